"""`qstash sign`: create a signature like QStash's, to test handlers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.registry import command, group
from qstash_cli.cli.run_options import ConnectionOptions
from qstash_cli.commands.common.signing_keys import read_key
from qstash_cli.errors import BadCredentials, BadInput
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.instants import parse_instant_s
from qstash_cli.protocol.signature import LIFETIME_S
from qstash_cli.protocol.signature import sign as make_signature

app = group()

_VIEW = View(
    columns=(Column(name="signature", of="signature"),), id="signature", forms=("curl", "http")
)


def _lifetime_s(text: str) -> int:
    if text.strip().startswith("-"):
        raise BadInput(
            f"a lifetime is not negative: {text!r}",
            hint='for an expired signature, set an earlier time: --at "1h ago"',
        )
    return parse_duration_s(text)


@dataclass(frozen=True, kw_only=True)
class SignedContent:
    """The content to sign."""

    url: str | None = flag("Destination URL", metavar="URL", section="Request")
    body: str | None = flag(
        "Body: TEXT, @FILE or -",
        "-d",
        "--body",
        metavar="TEXT",
        section="Request",
    )
    at: float | None = flag(
        "Time of the signature [default: now]",
        metavar="TIME",
        parse_at=parse_instant_s,
        section="Time",
    )
    expires_in: int = flag(
        "Lifetime of the signature [default: 5m]",
        metavar="DURATION",
        parse=_lifetime_s,
        default=LIFETIME_S,
        section="Time",
    )
    not_before: float | None = flag(
        "Time before which the signature is not valid",
        metavar="TIME",
        parse_at=parse_instant_s,
        section="Time",
    )


@dataclass(frozen=True, kw_only=True)
class SignKeyOptions:
    """The key to sign with."""

    key: str | None = flag(
        "Signing key; @FILE keeps it off the command line", metavar="KEY", section="Key"
    )
    dev: bool = flag("Use the current key of `qstash dev`", section="Key")
    profile: str | None = flag(
        "Use the current key of this profile",
        "-p",
        "--profile",
        metavar="NAME",
        section="Key",
        complete="profile",
    )


@command(app, connects=False, view=_VIEW)
def sign(ctx: Context, *, content: SignedContent, keys: SignKeyOptions) -> Result:
    """Create the Upstash-Signature of a body and a URL.

    For testing handlers: anyone who has the key can sign anything. -o curl, http and json print the
    whole request, ready to send.

    \b
    qstash sign --url https://example.com/hook --body '{"id":1}' --key @key.txt
    qstash sign --url http://127.0.0.1:3000/hook --body '{"id":1}' --dev -o curl
    """
    if content.url is None:
        raise BadInput("no URL to sign for", hint="give --url URL")
    if content.body is None:
        ctx.warn_of_unused_input()
    body = ctx.read_body(content.body or "")
    signature = make_signature(
        _key(ctx, keys),
        url=content.url,
        body=body,
        now=ctx.system.now() if content.at is None else content.at,
        token_id=ctx.new_id("jwt"),
        lifetime_s=content.expires_in,
        not_before_s=int(content.not_before or 0),
    )
    ctx.note("made for testing with the key given; QStash sent nothing")
    return _result(ctx, content.url, body, signature)


def _result(ctx: Context, url: str, body: bytes, signature: str) -> Result:
    from qstash_cli.captures.capture import Capture
    from qstash_cli.captures.saved import as_raw_http
    from qstash_cli.output.curl import curl_command, request_record
    from qstash_cli.protocol.delivery import qstash_headers

    headers = (
        ("Content-Type", "application/json" if _is_json(body) else "text/plain"),
        *qstash_headers(ctx.new_id("msg"), signature),
    )
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    capture = Capture(
        source="sign", method="POST", headers=(("Host", parts.netloc), *headers), body=body
    )
    forms = {
        "curl": curl_command("POST", url, headers, body, authorised=False),
        "http": as_raw_http(capture, target).decode("utf-8", "surrogateescape"),
    }
    request = request_record("POST", url, headers, body, authorised=False)
    record = {"signature": signature} | request
    return Result(data=record, view=_VIEW, on_terminal="ids", piped="ids", forms=forms)


def _is_json(body: bytes) -> bool:
    import json

    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _key(ctx: Context, flags: SignKeyOptions) -> str:
    if flags.key is not None:
        return read_key(ctx, flags.key)
    connection = ConnectionOptions(profile=flags.profile, dev=flags.dev)
    key = ctx.with_connection(connection).config.signing_keys.current
    if not key:
        raise BadCredentials(
            "no signing key to sign with",
            hint="give --key @FILE or --dev, or set QSTASH_CURRENT_SIGNING_KEY",
        )
    return key

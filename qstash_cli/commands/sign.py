"""`qstash sign`: a signature like QStash's, to test a handler with."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.commands._signature import command, group
from qstash_cli.commands.verify import KeyFlags, read_key
from qstash_cli.errors import BadCredentials, BadInput
from qstash_cli.flags import flag
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.instants import parse_instant_s
from qstash_cli.protocol.signature import LIFETIME_S
from qstash_cli.protocol.signature import sign as make_signature
from qstash_cli.run_options import ConnectionOptions

app = group("Sign a request as QStash does, for tests")

_VIEW = View(columns=(Column(name="signature", of="signature"),), id="signature")


@dataclass(frozen=True, kw_only=True)
class Content:
    """What is signed."""

    url: str | None = flag("The destination", metavar="URL", section="Request")
    body: str = flag(
        "The body: TEXT, @FILE or -",
        "-d",
        "--body",
        metavar="TEXT",
        default="",
        section="Request",
    )
    at: float | None = flag(
        "Sign as of this time (default now)", metavar="TIME", parse=parse_instant_s, section="Time"
    )
    expires_in: int = flag(
        "How long it is good for (default 5m)",
        metavar="DURATION",
        parse=lambda text, _now: parse_duration_s(text),
        default=LIFETIME_S,
        section="Time",
    )


@command(app, connects=False)
def sign(inv: Invocation, *, content: Content, keys: KeyFlags) -> Result:
    """Make the Upstash-Signature of a body and a URL.

    It is for testing handlers: whoever has the key can sign anything.

    \b
    qstash sign --url https://example.com/hook --body '{"id":1}' --current-key @key.txt
    """
    if content.url is None:
        raise BadInput("no URL to sign for", hint="give --url URL")
    signature = make_signature(
        _key(inv, keys),
        url=content.url,
        body=inv.read_body(content.body),
        now=inv.now() if content.at is None else content.at,
        token_id=inv.new_id("jwt"),
        lifetime_s=content.expires_in,
    )
    inv.note("made for testing with the key given; QStash sent nothing")
    return Result(data={"signature": signature}, view=_VIEW, on_terminal="ids", piped="ids")


def _key(inv: Invocation, flags: KeyFlags) -> str:
    if flags.current_key is not None or flags.next_key is not None:
        return read_key(inv, flags.current_key or flags.next_key or "")
    inv.connection = ConnectionOptions(profile=flags.profile, dev=flags.dev)
    key = inv.signing_keys.current
    if not key:
        raise BadCredentials(
            "no signing key to sign with",
            hint="give --current-key @FILE or --dev, or set QSTASH_CURRENT_SIGNING_KEY",
        )
    return key

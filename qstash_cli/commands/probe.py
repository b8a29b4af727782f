"""`qstash probe`: test whether an endpoint verifies signatures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client.external import ExternalResponse
from qstash_cli.commands.common.confirm_options import ConfirmOptions
from qstash_cli.commands.common.endpoint_probe import (
    ask,
    is_accepted,
    is_expected,
    request_of,
)
from qstash_cli.commands.common.signing_keys import SigningKeyOptions, signing_keys
from qstash_cli.errors import BadCredentials, QstashError, Unreachable
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.destination import is_url, missing_scheme
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.forgeries import Probe, probes

app = group()

_VIEW = View(
    columns=(
        Column(name="probe", of="probe", width=14),
        Column(name="expected", of="expected", width=8),
        Column(name="outcome", of="outcome", format="state", width=7),
        Column(name="status", of="status", width=6),
        Column(name="ms", of="ms", width=6),
        Column(name="error", of="error"),
    ),
    id="probe",
)


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """The requests to send."""

    body: str | None = flag("Body: TEXT, @FILE or - [default: {}]", "-d", "--body", metavar="TEXT")
    timeout: int = flag(
        "Response timeout [default: 60s]",
        metavar="DURATION",
        parse=parse_duration_s,
        default=60,
    )


@command(app, connects=False, view=_VIEW)
def probe(
    ctx: Context,
    url: Annotated[str, Argument("Endpoint URL", "URL")],
    *,
    options: ProbeOptions,
    keys: SigningKeyOptions,
    confirm: ConfirmOptions,
) -> Result:
    """Test whether an endpoint rejects forged requests and accepts signed ones.

    The handler processes the signed requests like real ones, so the command asks for confirmation
    unless the endpoint is on this machine; --yes skips it. A 2xx accepts a request, a 4xx rejects
    it. A signature with the right key but another HMAC (alg HS512) only causes a warning if it is
    accepted, as by the official TypeScript SDK. Exits with 0 if no response is wrong, else with 1,
    and with 6 if the endpoint cannot be reached.

    \b
    qstash probe http://127.0.0.1:3000/hook --dev
    qstash probe http://127.0.0.1:3000/hook --dev -o json
    """
    if not is_url(url):
        raise missing_scheme("the endpoint has", url)
    if options.body is None:
        ctx.warn_of_unused_input()
    names = dict(signing_keys(ctx, keys))
    if "current" not in names:
        raise BadCredentials("no current signing key to sign with", hint="give --current-key @FILE")
    if not _is_local(url):
        ctx.confirm(f"Send signed requests to {url}, which will act on them?", yes=confirm.yes)
    planned = probes(
        url=url,
        body=ctx.read_body("{}" if options.body is None else options.body),
        current=names["current"],
        following=names.get("next"),
        now=ctx.system.now(),
        token_id=ctx.new_id("jwt"),
    )
    rows = list(_rows(ctx, url, planned, options.timeout))
    wrong = [str(row["probe"]) for row in rows if row["outcome"] == "fail"]
    failure = QstashError(f"the endpoint fails: {', '.join(wrong)}") if wrong else None
    return Result(data=rows, view=_VIEW, error=failure)


def _rows(
    ctx: Context, url: str, planned: Iterator[Probe], timeout_s: int
) -> Iterator[dict[str, object]]:
    with ctx.status() as line:
        for one in planned:
            line.update(f"{one.name} …")
            reply = ask(ctx, request_of(ctx, url, one), one, timeout_s)
            if reply.is_unreachable:
                raise Unreachable(
                    f"the endpoint cannot be reached: {reply.error}: {url}",
                    hint="start the endpoint, or check its URL",
                )
            yield _row(ctx, one, reply)


def _row(ctx: Context, one: Probe, reply: ExternalResponse) -> dict[str, object]:
    return {
        "probe": one.name,
        "expected": "accept" if one.is_good else "refuse",
        "outcome": _outcome(ctx, one, reply),
        "status": reply.status or None,
        "ms": reply.took_ms,
        "error": reply.error or None,
    }


def _outcome(ctx: Context, one: Probe, reply: ExternalResponse) -> str:
    if is_expected(one, reply):
        return "pass"
    if one.is_tolerable and is_accepted(reply):
        ctx.warn(f"{one.name}: accepted, although QStash only signs with HS256")
        return "warning"
    return "fail"


def _is_local(url: str) -> bool:
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")

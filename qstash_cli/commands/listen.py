"""`qstash listen`: a local endpoint that shows and checks what it receives."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client import external
from qstash_cli.commands.common.options import parse_count, parse_port
from qstash_cli.commands.common.signing_keys import SigningKeyOptions, signing_keys
from qstash_cli.errors import BadCredentials, BadInput
from qstash_cli.files import write_atomically
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.destination import is_url
from qstash_cli.protocol.durations import parse_duration_s

if TYPE_CHECKING:
    from qstash_cli.captures.capture import Capture
    from qstash_cli.server.http.local_endpoint import Received

app = group()

_STATUSES = range(200, 600)
_NOT_FORWARDED = {"host", "content-length", "connection", "transfer-encoding", "accept-encoding"}
# QStash's own longest wait.
_FORWARD_WITHIN_S = 900
# Requests that are not printed yet; the response to the next one waits until there is room.
_WAKE_UP_S = 0.5
_MAX_WAITING = 100
_VIEW = View(
    columns=(
        Column(name="method", of="method", width=6),
        Column(name="path", of="path", width=14),
        Column(name="status", of="status", width=6),
        Column(name="signature", of="signature", width=9),
        Column(name="retried", of="retried", width=7),
        Column(name="messageId", of="messageId", width=33),
        Column(name="reason", of="reason"),
        Column(name="body", of=lambda r: r["report"] or r["body"]),
    ),
    id="messageId",
)


def _status(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) in _STATUSES):
        raise BadInput(f"not a response status: {text!r}", hint="between 200 and 599")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where to listen, and what to do with what comes."""

    port: int = flag("Port [default: a free one]", metavar="PORT", parse=parse_port, default=0)
    forward: str | None = flag(
        "URL that requests are forwarded to; its response is returned", metavar="URL"
    )
    save: str | None = flag("Directory that each request is saved in", metavar="DIR")
    status: int = flag(
        "Status code of the response [default: 200]", metavar="STATUS", parse=_status, default=200
    )
    fail_first: int = flag(
        "Number of requests that get a 500 response first",
        metavar="N",
        parse=parse_count,
        default=0,
    )
    latency: int = flag(
        "Delay before the response", metavar="DURATION", parse=parse_duration_s, default=0
    )


@command(app, connects=False)
def listen(ctx: Context, *, listening: Listening, keys: SigningKeyOptions) -> Result:
    """Receive requests at a local endpoint and verify their signatures.

    Decodes the reports of callbacks. `qstash verify --request` reads the files that --save writes.

    \b
    qstash listen --port 3000 --dev
    qstash listen --fail-first 2 --save captured
    qstash listen --forward http://127.0.0.1:3000 --latency 3s
    """
    if listening.forward is not None and not is_url(listening.forward):
        raise BadInput(f"the URL has no http:// or https://: {listening.forward}")
    if listening.save is not None:
        Path(listening.save).mkdir(parents=True, exist_ok=True)
    try:
        checked_with = signing_keys(ctx, keys)
    except BadCredentials:
        ctx.note("no signing key is configured, so that signatures are not checked; try --dev")
        checked_with = ()
    records = _records(ctx, listening, checked_with)
    return Result(data=records, view=_VIEW, live=True)


def _records(
    ctx: Context, listening: Listening, keys: tuple[tuple[str, str], ...]
) -> Iterator[dict[str, Any]]:
    from qstash_cli.server.http.local_endpoint import running_endpoint

    arrived: queue.Queue[_Arrival] = queue.Queue(_MAX_WAITING)
    numbers = itertools.count(1)

    def respond(request: Received) -> tuple[int, bytes]:
        number = next(numbers)
        if listening.latency:
            ctx.system.sleep(listening.latency)
        status, body = _response(listening, request, number)
        arrived.put(_Arrival(number, request, status))
        return status, body

    with running_endpoint(respond, listening.port, keep_requests=False) as endpoint:
        ctx.note(f"listening at {endpoint.url}")
        while True:
            arrival = _next(arrived)
            capture = _capture(arrival.request)
            if listening.save is not None:
                _save(Path(listening.save), arrival.number, capture, arrival.request.path)
            yield _record(ctx, arrival, capture, keys)


def _next(arrived: queue.Queue[_Arrival]) -> _Arrival:
    # A signal that arrives while the thread goes to sleep is only seen when it wakes up.
    while True:
        with suppress(queue.Empty):
            return arrived.get(timeout=_WAKE_UP_S)


class _Arrival(NamedTuple):
    """A request, its number from 1, and the status of the response to it."""

    number: int
    request: Received
    status: int


def _response(listening: Listening, request: Received, number: int) -> tuple[int, bytes]:
    if number <= listening.fail_first:
        return 500, b"as --fail-first says"
    if listening.forward is None:
        return listening.status, b""
    reply = external.send(
        request.method,
        listening.forward.rstrip("/") + request.path,
        timeout_s=_FORWARD_WITHIN_S,
        headers=tuple(h for h in request.headers if h[0].lower() not in _NOT_FORWARDED),
        body=request.body,
    )
    if reply.error:
        return 502, reply.error.encode()
    # A server cannot send every status that it can receive: 101 and 999 have no meaning here.
    return (reply.status if reply.status in _STATUSES else 502), reply.body


def _capture(received: Received) -> Capture:
    from qstash_cli.captures.capture import Capture
    from qstash_cli.captures.raw_http import scheme_of

    fields = {name.lower(): value for name, value in received.headers}
    host = fields.get("x-forwarded-host") or fields.get("host", "")
    return Capture(
        source="listen",
        method=received.method,
        url=f"{scheme_of(fields, host)}://{host}{received.path}",
        headers=received.headers,
        body=received.body,
    )


def _save(directory: Path, number: int, capture: Capture, target: str) -> None:
    from qstash_cli.captures.saved import as_raw_http

    # The request waits for its response meanwhile.
    write_atomically(directory / f"{number:04}.http", as_raw_http(capture, target), durable=False)


def _record(
    ctx: Context, arrival: _Arrival, capture: Capture, keys: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    from qstash_cli.captures.callback import report_of

    request = arrival.request
    judged = _judged(ctx, capture, keys)
    return {
        "method": request.method,
        "path": request.path,
        "status": arrival.status,
        "signature": judged.outcome,
        "reason": judged.reason or None,
        "findings": list(judged.findings),
        "retried": request.header("Upstash-Retried") or None,
        "messageId": request.header("Upstash-Message-Id") or None,
        "headers": dict(request.headers),
        "body": request.body.decode("utf-8", "replace"),
        "report": report_of(request.body),
    }


class _Judged(NamedTuple):
    """Whether a signature is valid, and why not."""

    outcome: str
    reason: str = ""
    findings: tuple[str, ...] = ()


def _judged(ctx: Context, capture: Capture, keys: tuple[tuple[str, str], ...]) -> _Judged:
    from qstash_cli.commands.common.verification import judge, reason
    from qstash_cli.protocol.claim_checks import Expectation

    if capture.signature is None:
        return _Judged("none")
    if not keys:
        return _Judged("unchecked")
    try:
        verdict = judge(
            capture, Expectation(keys=keys, url=None, body=None, now=ctx.system.now()), {}
        )
    except Exception as error:  # noqa: BLE001 - one request must not end the command
        return _Judged("unchecked", f"the check failed: {type(error).__name__}")
    findings = tuple(finding.what for finding in verdict.findings)
    return _Judged("valid" if verdict.valid else "invalid", reason(verdict), findings)

"""What `qstash listen` reports of a request: its response, its signature, and its body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qstash_cli.cli.context import Context

if TYPE_CHECKING:
    from qstash_cli.captures.capture import Capture
    from qstash_cli.commands.listen.arrival import Arrival


def record_of(ctx: Context, arrival: Arrival, keys: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Returns the record of a request. Without keys its signature is not checked.

    `time` is in unix milliseconds.
    """
    from qstash_cli.captures.callback import report_of

    request = arrival.request
    judged = _judged(ctx, arrival.capture(), keys)
    return {
        "time": round(arrival.received_at * 1000),
        "method": request.method,
        "path": request.path,
        "status": arrival.status,
        "durationMs": arrival.duration_ms,
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

"""What `qstash verify` displays on a terminal: the verdict, the checks, and the cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from qstash_cli.output.blocks import Block, Headline, Labelled, Listing, Section
from qstash_cli.output.result import Column, View
from qstash_cli.output.values import local_time, readable_span
from qstash_cli.protocol.claim_checks import seconds_of

if TYPE_CHECKING:
    from qstash_cli.commands.common.verification import Verdict
    from qstash_cli.protocol.claim_checks import Check
    from qstash_cli.protocol.signature import SignatureReport

_VIEW = View(
    columns=(
        Column(name="check", of="check"),
        Column(name="outcome", of="outcome", format="state"),
        Column(name="detail", of="detail", wraps=True),
    ),
    id="key",
)


def verdict_screen(verdict: Verdict, report: SignatureReport) -> Iterator[Block]:
    """Yields the blocks for a verdict that has a report."""
    yield _headline(report)
    yield Section(note=_time_of_check(report))
    yield Listing(_rows(report), _VIEW)
    for finding in verdict.findings:
        yield Section()
        yield Labelled((("cause", f"{finding.check}: {finding.what}"), ("fix", finding.fix)))


def _headline(report: SignatureReport) -> Headline:
    if not report.valid:
        signer = f"signed with the {report.key} key, but " if report.key else ""
        return Headline("INVALID", f"{signer}failed: {', '.join(report.failed)}", word="INVALID")
    unchecked = [
        check.name
        for check in report.checks
        if check.outcome == "not checked" and check.name in _WHAT_IS_MISSING
    ]
    suffix = f"; not checked: {', '.join(unchecked)}" if unchecked else ""
    return Headline("VALID", f"signed with the {report.key} key{suffix}", word="VALID")


def _time_of_check(report: SignatureReport) -> str:
    expected = report.expected
    return "" if expected.uses_system_clock else f"Times as of {local_time(expected.now, None)}"


def _rows(report: SignatureReport) -> Iterator[dict[str, str]]:
    for check in report.checks:
        first, *more = _details(check, report)
        yield {"check": check.name, "outcome": check.outcome, "detail": first}
        yield from ({"detail": line} for line in more)


def _details(check: Check, report: SignatureReport) -> list[str]:
    """Returns the lines that explain the outcome of a check."""
    is_failed, detail = check.outcome == "fail", check.found
    at = seconds_of(report.claims.get(check.name)) if check.name in _TIMES else None
    if at is not None:
        detail, is_failed = _TIMES[check.name](at, report.expected.now), False
    elif check.name == "body" and check.outcome == "pass":
        detail = f"SHA-256 of {_size(report.expected.body or b'')}"
    if is_failed and check.expected:
        # Below each other, so that a difference of one character stands out.
        return [f"got:      {detail}", f"expected: {check.expected}"]
    if check.outcome == "not checked" and check.name in _WHAT_IS_MISSING:
        return [detail, _WHAT_IS_MISSING[check.name]]
    return [detail]


_WHAT_IS_MISSING = {
    "sub": "add --url to check it",
    "body": "add --body to check it",
    "exp": "remove --ignore-expiry to check it",
}


def _size(body: bytes) -> str:
    return "1 byte" if len(body) == 1 else f"{len(body)} bytes"


def _expiry(at: int, now: float) -> str:
    passed_s = int(now - at)
    if at > now:
        return f"expires in {readable_span(int(at - now))}"
    return f"expired {readable_span(passed_s)} ago"


def _start(at: int, now: float) -> str:
    if at <= 0:
        return "no earliest time"
    if at > now:
        return f"not valid for another {readable_span(int(at - now))}"
    return f"valid since {readable_span(int(now - at))} ago"


def _issue(at: int, now: float) -> str:
    if at > now:
        return f"issued {readable_span(int(at - now))} in the future"
    return f"issued {readable_span(int(now - at))} ago"


_TIMES: dict[str, Callable[[int, float], Any]] = {"exp": _expiry, "nbf": _start, "iat": _issue}

"""From captured requests to verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from qstash_cli.captures.capture import Capture
from qstash_cli.frozen import dataclass
from qstash_cli.protocol.signature import Expectation, SignatureReport, check

if TYPE_CHECKING:
    from qstash_cli.captures.finding import Finding


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is found out about one capture. `error` says why it could not be read."""

    capture: Capture
    report: SignatureReport | None = None
    findings: tuple[Finding, ...] = ()
    error: str = ""

    @property
    def valid(self) -> bool:
        """Everything that was checked holds."""
        return self.report is not None and self.report.valid

    def as_record(self) -> dict[str, Any]:
        """The whole report. Its shape is stable."""
        report = self.report or SignatureReport((), {}, None)
        return {
            "valid": self.valid,
            "key": report.key,
            "source": self.capture.source,
            "url": self.capture.url,
            "error": self.error or None,
            "checks": [
                {"name": name, "outcome": outcome, "expected": expected, "found": found}
                for name, outcome, expected, found in report.checks
            ],
            "findings": [asdict(finding) for finding in self.findings],
            "claims": report.claims,
        }


def judge(
    capture: Capture, expected: Expectation, other_keys: Mapping[str, tuple[str, str]]
) -> Verdict:
    """The verdict on a capture; what `expected` says of URL and body wins over the capture."""
    signature = capture.signature
    if signature is None:
        return Verdict(capture=capture, error="it has no Upstash-Signature header")
    own = Expectation(
        keys=expected.keys,
        now=expected.now,
        tolerance_s=expected.tolerance_s,
        ignore_expiry=expected.ignore_expiry,
        url=expected.url if expected.url is not None else capture.url,
        body=expected.body if expected.body is not None else capture.body,
    )
    report = check(signature, own)
    if report.valid:
        return Verdict(capture=capture, report=report)
    from qstash_cli.captures.diagnosis import diagnose

    found = diagnose(signature, own, report, other_keys)
    return Verdict(capture=capture, report=report, findings=tuple(found))


def lines(data: bytes) -> Iterator[Capture | str]:
    """The capture of each line that is not empty, or why it cannot be read."""
    from qstash_cli.captures import json_dumps

    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = list(json_dumps.read(json.loads(line)))
        except (ValueError, RecursionError):
            yield f"line {number} is no JSON"
            continue
        yield from found
        if not found:
            yield f"line {number} is in no known format"

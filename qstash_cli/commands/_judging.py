"""From captured requests to verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from qstash_cli.captures.capture import Capture
from qstash_cli.protocol.claim_checks import Expectation, display_claims
from qstash_cli.protocol.signature import SignatureReport, verify
from qstash_cli.quick_json import loads

if TYPE_CHECKING:
    from qstash_cli.captures.finding import Finding


class Verdict(NamedTuple):
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
        return self.but_checks() | {"checks": self.checks()}

    def but_checks(self) -> dict[str, Any]:
        """The report, with nothing in place of its checks."""
        report = self.report
        return {
            "valid": self.valid,
            "key": report and report.key,
            "source": self.capture.source,
            "url": self.capture.url,
            "error": self.error or None,
            "checks": None,
            "findings": [asdict(finding) for finding in self.findings],
            "claims": display_claims(report.claims) if report else {},
        }

    def checks(self) -> list[dict[str, str]]:
        """The checks of the report."""
        return [
            {"name": name, "outcome": outcome, "expected": expected, "found": found}
            for name, outcome, expected, found in (self.report.checks if self.report else ())
        ]


class Numbered(Mapping[str, Any]):
    """The record of one verdict of many.

    Its checks are made for whoever asks for them. A table and TSV do not, and making them took a
    fifth of the time of twenty thousand.
    """

    def __init__(self, number: int, verdict: Verdict) -> None:
        failed = verdict.report.failed if verdict.report else []
        self._verdict = verdict
        self._others = {"number": number, "failed": failed, **verdict.but_checks()}

    def __getitem__(self, name: str) -> Any:
        return self._verdict.checks() if name == "checks" else self._others[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of that name."""
        return self[name] if name == "checks" else self._others.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._others)

    def __len__(self) -> int:
        return len(self._others)


def judge(
    capture: Capture, expected: Expectation, other_keys: Mapping[str, tuple[str, str]]
) -> Verdict:
    """The verdict on a capture; what `expected` says of URL and body wins over the capture."""
    signature = capture.signature
    if signature is None:
        return Verdict(capture=capture, error="no Upstash-Signature header")
    own = expected._replace(
        url=expected.url if expected.url is not None else capture.url,
        body=expected.body if expected.body is not None else capture.body,
    )
    report = verify(signature, own)
    if report.valid:
        return Verdict(capture=capture, report=report)
    from qstash_cli.captures.diagnosis import diagnose

    found = diagnose(signature, own, report, other_keys)
    return Verdict(capture=capture, report=report, findings=tuple(found))


def reason(verdict: Verdict) -> str:
    """Why a verdict is not valid, in one line; empty for a valid one."""
    if verdict.valid:
        return ""
    if verdict.report is None:
        return verdict.error
    text = f"{', '.join(verdict.report.failed)} failed"
    causes = "; ".join(finding.what for finding in verdict.findings)
    return " ".join(f"{text}: {causes}".split()) if causes else text


def _value_of(line: bytes) -> Any:
    try:
        return loads(line.decode())
    except ValueError:
        # Other encodings of Unicode are known by their first bytes.
        return json.loads(line)


def lines(data: bytes) -> Iterator[Capture | str]:
    """The capture of each line that is not empty, or why it cannot be read."""
    from qstash_cli.captures import json_dumps

    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = json_dumps.read(_value_of(line))
        except (ValueError, RecursionError):
            yield f"line {number} is no JSON"
            continue
        yield from found
        if not found:
            yield f"line {number} is in no known format"

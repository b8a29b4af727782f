"""Verifies captured requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import NamedTuple

from qstash_cli.captures.capture import Capture
from qstash_cli.captures.diagnose import diagnose
from qstash_cli.captures.diagnosis import Diagnosis
from qstash_cli.captures.search_budget import SearchBudget
from qstash_cli.json_lines import line_parser
from qstash_cli.protocol.bounded_json import bounded
from qstash_cli.protocol.claim_checks import Expectation
from qstash_cli.protocol.signature import SignatureReport, verify

UNSIGNED = "no Upstash-Signature header"


class Verdict(NamedTuple):
    """The verdict on a capture. `error` is the reason why there is no report."""

    capture: Capture
    report: SignatureReport | None = None
    findings: tuple[Diagnosis, ...] = ()
    error: str = ""

    @property
    def valid(self) -> bool:
        """Whether the signature is valid."""
        return self.report is not None and self.report.valid

    def as_record(self) -> dict[str, object]:
        """Returns the whole report. Its format is stable."""
        return {name: read(self) for name, read in _FIELDS.items()}

    def checks(self) -> list[dict[str, str]]:
        """Returns the checks of the report."""
        return [
            {"name": name, "outcome": outcome, "expected": expected, "found": found}
            for name, outcome, expected, found in (self.report.checks if self.report else ())
        ]

    def claims(self) -> dict[str, object]:
        """Returns the claims of the token."""
        return bounded(self.report.claims) if self.report else {}


_FIELDS: dict[str, Callable[[Verdict], object]] = {
    "valid": lambda verdict: verdict.valid,
    "key": lambda verdict: verdict.report and verdict.report.key,
    "source": lambda verdict: verdict.capture.source,
    "url": lambda verdict: verdict.capture.url,
    "error": lambda verdict: verdict.error or None,
    "checks": Verdict.checks,
    "findings": lambda verdict: [finding._asdict() for finding in verdict.findings],
    "claims": Verdict.claims,
}


class Numbered(Mapping[str, object]):
    """The record of one of many verdicts.

    Its fields are computed when they are read. Tables and TSV read only a few fields, and computing
    all fields took a third of the time of twenty thousand verdicts.
    """

    def __init__(self, number: int, verdict: Verdict) -> None:
        self._number = number
        self._verdict = verdict

    def __getitem__(self, name: str) -> object:
        return self._number if name == "number" else _FIELDS_OF_MANY[name](self._verdict)

    def get(self, name: str, default: object = None) -> object:
        """Returns the value of a field."""
        read = _FIELDS_OF_MANY.get(name)
        if read is not None:
            return read(self._verdict)
        return self._number if name == "number" else default

    def __iter__(self) -> Iterator[str]:
        return iter(("number", *_FIELDS_OF_MANY))

    def __len__(self) -> int:
        return 1 + len(_FIELDS_OF_MANY)


_FIELDS_OF_MANY: dict[str, Callable[[Verdict], object]] = {
    "failed": lambda verdict: verdict.report.failed if verdict.report else [],
    **_FIELDS,
}


def judge(
    capture: Capture,
    expected: Expectation,
    other_keys: Mapping[str, tuple[str, str]],
    budget: SearchBudget | None = None,
) -> Verdict:
    """Verifies a capture. URL and body in `expected` replace those of the capture.

    `budget` limits the search for the cause of a failure.
    """
    signature = capture.signature
    if signature is None:
        return Verdict(capture=capture, error=UNSIGNED)
    own = Expectation(
        expected.keys,
        expected.url if expected.url is not None else capture.url,
        expected.body if expected.body is not None else capture.body,
        *expected[3:],
    )
    report = verify(signature, own)
    if report.valid:
        return Verdict(capture=capture, report=report)
    keys = capture.keys_without_body if expected.body is None else ()
    time = SearchBudget(monotonic) if budget is None else budget

    def search() -> list[Diagnosis]:
        with time.one_search():
            return diagnose(signature, own, report, other_keys, budget=time, keys_without_body=keys)

    return Verdict(capture=capture, report=report, findings=_causes(search))


def _causes(search: Callable[[], list[Diagnosis]]) -> tuple[Diagnosis, ...]:
    try:
        return tuple(search())
    except Exception as fault:  # noqa: BLE001 - an error in the search must not prevent the verdict
        what = f"the search for the cause failed: {type(fault).__name__}"
        return (Diagnosis("diagnosis", what, "the verdict is complete; please report this"),)


def reason(verdict: Verdict) -> str:
    """Returns the reason why a verdict is not valid in one line, or nothing if it is valid."""
    if verdict.valid:
        return ""
    if verdict.report is None:
        return verdict.error
    text = f"{', '.join(verdict.report.failed)} failed"
    causes = "; ".join(finding.what for finding in verdict.findings)
    return " ".join(f"{text}: {causes}".split()) if causes else text


def _value_of(line: bytes) -> object:
    try:
        return json.loads(line.decode())
    except ValueError:
        # The first bytes identify other encodings of Unicode.
        return json.loads(line)


def lines(data: bytes) -> Iterator[Capture | str]:
    """Yields the capture on each line that is not empty, or the reason why it cannot be read."""
    from qstash_cli.captures import json_dumps

    parse = line_parser(_value_of)
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = json_dumps.read(parse(line))
        except ValueError:
            yield f"line {number} is not JSON"
        except RecursionError:
            yield f"line {number} is nested too deeply"
        else:
            yield from found
            if not found:
                yield f"line {number} is in no known format"

"""The figures of tests/trust: the number of cases and failures in each category.

A test calls `figures("crash safety", cases=300, failures=0, kills=50)`. The figures are attached to
the test's report, also in worker processes, summed by category, and printed at the end of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import pytest

_PROPERTY = "trust figures"
_Numbers = dict[str, float | str]


class Figures(Protocol):
    """Adds to the figures of a category. Other numbers are summed, and strings are printed."""

    def __call__(self, of: str, *, cases: int, failures: int = 0, **more: float | str) -> None: ...


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Records figures. Call it before assertions that may fail."""

    def add(of: str, *, cases: int, failures: int = 0, **more: float | str) -> None:
        record_property(_PROPERTY, [of, {"cases": cases, "failures": failures} | more])

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints a line for each category."""
    stats = terminalreporter.stats
    lines = list(summary([*stats.get("passed", []), *stats.get("failed", [])]))
    if lines:
        terminalreporter.section("trust tests")
    for line in lines:
        terminalreporter.write_line(line)


def summary(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """Yields a line for each category. A failed test without recorded failures counts as one."""
    classes: dict[str, _Numbers] = {}
    for report in reports:
        if report.when != "call":
            continue
        recorded: list[tuple[str, _Numbers]] = [
            (value[0], value[1])
            for name, value in report.user_properties
            if name == _PROPERTY and isinstance(value, list)
        ]
        is_unrecorded = report.failed and not any(numbers["failures"] for _, numbers in recorded)
        for position, (of, numbers) in enumerate(recorded):
            failure: _Numbers = {"failures": 1} if is_unrecorded and position == 0 else {}
            _add(classes.setdefault(of, {}), numbers | failure)
    for of in sorted(classes):
        parts = (f"{name.replace('_', ' ')} {_formatted(n)}" for name, n in classes[of].items())
        yield f"{of}: {', '.join(parts)}"


def _add(total: _Numbers, numbers: _Numbers) -> None:
    for name, value in numbers.items():
        before = total.get(name, 0)
        if isinstance(value, str) or isinstance(before, str):
            total[name] = value
        else:
            total[name] = before + value


def _formatted(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.6g}" if value % 1 else f"{value:,.0f}"

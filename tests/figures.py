"""The figures of tests/trust: how many cases each class of tests tried, and how many failed.

A test says `figures("crash safety", cases=300, failures=0, kills=50)`. The figures travel with its
report, from a worker's process too, are added up by class, and stand at the end of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import pytest

_PROPERTY = "trust figures"
_Numbers = dict[str, float | str]


class Figures(Protocol):
    """Adds to the figures of a class. Further numbers are added up, and texts are shown."""

    def __call__(self, of: str, *, cases: int, failures: int = 0, **more: float | str) -> None: ...


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Tells the end of the run of a class: before the test asserts what may fail."""

    def add(of: str, *, cases: int, failures: int = 0, **more: float | str) -> None:
        record_property(_PROPERTY, [of, {"cases": cases, "failures": failures} | more])

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Writes a line per class, if there is any."""
    stats = terminalreporter.stats
    lines = list(summary([*stats.get("passed", []), *stats.get("failed", [])]))
    if lines:
        terminalreporter.section("figures of trust")
    for line in lines:
        terminalreporter.write_line(line)


def summary(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """A line per class, by name. A failed test that told of no failure counts as one."""
    classes: dict[str, _Numbers] = {}
    for report in reports:
        if report.when != "call":
            continue
        told: list[tuple[str, _Numbers]] = [
            (value[0], value[1])
            for name, value in report.user_properties
            if name == _PROPERTY and isinstance(value, list)
        ]
        untold = report.failed and not any(numbers["failures"] for _, numbers in told)
        for position, (of, numbers) in enumerate(told):
            failure: _Numbers = {"failures": 1} if untold and position == 0 else {}
            _add(classes.setdefault(of, {}), numbers | failure)
    for of in sorted(classes):
        shown = (f"{name.replace('_', ' ')} {_shown(n)}" for name, n in classes[of].items())
        yield f"{of}: {', '.join(shown)}"


def _add(total: _Numbers, numbers: _Numbers) -> None:
    for name, value in numbers.items():
        before = total.get(name, 0)
        if isinstance(value, str) or isinstance(before, str):
            total[name] = value
        else:
            total[name] = before + value


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.6g}" if value % 1 else f"{value:,.0f}"

"""The results of a benchmark, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Bound = Literal["at most", "at least"]
_HEADER = ("what", "against", "ours", "peer", "ratio", "goal", "")
_WIDEST = 44


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The goal for the ratio of our result to the peer's."""

    bound: Bound
    ratio: float

    def is_met_by(self, ratio: float) -> bool:
        """Whether a measured ratio meets the goal."""
        return ratio <= self.ratio if self.bound == "at most" else ratio >= self.ratio

    def __str__(self) -> str:
        return f"{'<=' if self.bound == 'at most' else '>='} {self.ratio:g}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison. `ours` and `peer` are medians in `unit`; `note` explains a missing one.

    A row without a goal is only for comparison.
    """

    what: str
    against: str
    unit: str = "ms"
    ours: float | None = None
    peer: float | None = None
    ratio: float | None = None
    goal: Goal | None = None
    note: str = ""

    @property
    def outcome(self) -> str:
        """Met or missed, or empty without a goal."""
        if self.goal is None or self.ratio is None:
            return ""
        return "met" if self.goal.is_met_by(self.ratio) else "MISSED"

    def as_record(self) -> dict[str, Any]:
        """Returns the row as JSON."""
        return {**asdict(self), "outcome": self.outcome}


def table(rows: list[Row]) -> str:
    """Returns the rows as text, in columns."""
    cells = [_HEADER, *(_cells(row) for row in rows)]
    widths = [min(_WIDEST, max(len(line[i]) for line in cells)) for i in range(len(_HEADER))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
    return "".join(f"{line}\n" for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.what,
        row.against,
        _number(row.ours, row.unit),
        _number(row.peer, row.unit),
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.goal is None else str(row.goal),
        " ".join(part for part in (row.outcome, row.note) if part),
    )


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"

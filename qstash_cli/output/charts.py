"""Charts of text for a terminal: bars, sparklines, timelines and calendars. Pure.

Every chart is readable without colour. Where the encoding of the stream has no blocks, charts are
made of ASCII characters. A wide terminal does not stretch a chart: it can be read at a glance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import log1p
from typing import NamedTuple

from qstash_cli.output.bars import bar
from qstash_cli.output.states import state_style
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.values import short_time, span

# A line of texts with their styles.
Line = tuple[tuple[str, str], ...]

_MAX_WIDTH, _MAX_BAR = 60, 40
_INDENT = "  "
_LEVELS = "▁▂▃▄▅▆▇█"
_WEEKDAYS = "Mo Tu We Th Fr Sa Su"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_STYLE = "bold green"
_MAX_ROWS = 10
_TICKS_S = (0, 1, 10, 60, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 30 * 86_400)


def state_bars(counts: Mapping[str, int], terminal: TerminalInfo) -> Iterator[Line]:
    """Yields a bar for each state, in its colour. The longest bar is the largest count."""
    labels = {state: _state_label(state, terminal) for state in counts}
    width = max((len(label) for label in labels.values()), default=0)
    digits = max((len(str(count)) for count in counts.values()), default=0)
    cells = min(_room(terminal, width + digits + 4), _MAX_BAR)
    largest = max(counts.values(), default=0)
    for state, count in counts.items():
        style = state_style(state).style
        yield (
            (f"{_INDENT}{labels[state].ljust(width)}", style),
            (f"  {count:>{digits}}  ", ""),
            (bar(count / largest if largest else 0, terminal, cells), style),
        )


def _state_label(state: str, terminal: TerminalInfo) -> str:
    symbol, word, _ = state_style(state)
    return f"{symbol} {word}" if terminal.has_blocks and symbol else word


def sparkline(
    times_ms: Sequence[int], from_ms: int, to_ms: int, terminal: TerminalInfo
) -> Iterator[Line]:
    """Yields how many of the times fall into equal parts of a period, and the scale.

    A part without any is a dot. In ASCII, the digits 1 to 9 take the place of the blocks.
    """
    cells = _room(terminal, 0)
    length_ms = max(to_ms - from_ms, 1)
    counts = [0] * cells
    for time_ms in times_ms:
        counts[min(max((time_ms - from_ms) * cells // length_ms, 0), cells - 1)] += 1
    peak = max(counts)
    levels = _LEVELS if terminal.has_blocks else "123456789"
    nothing = "·" if terminal.has_blocks else "."
    yield (
        (_INDENT, ""),
        *(
            (levels[-(-count * len(levels) // peak) - 1], "green") if count else (nothing, "dim")
            for count in counts
        ),
    )
    now = terminal.now()
    start, end = (short_time(ms / 1000, now, terminal.time_zone) for ms in (from_ms, to_ms))
    yield ((f"{_INDENT}{start}{end.rjust(cells - len(start))}", "dim"),)
    part = span(max(length_ms // cells // 1000, 1))
    yield ((f"{_INDENT}highest: {peak} in {part}", "dim"),)


class Attempt(NamedTuple):
    """A point of a timeline: seconds from its start, and whether the endpoint is back by then."""

    after_s: float
    succeeds: bool | None = None


def timeline(
    attempts: Sequence[Attempt], back_after_s: float | None, terminal: TerminalInfo
) -> Iterator[Line]:
    """Yields attempts on a logarithmic axis of time, since delays grow exponentially.

    `back_after_s` is when the endpoint is back, None if it does not matter.
    """
    last_s = max(*(one.after_s for one in attempts), back_after_s or 0, 1)
    cells = _room(terminal, 1)

    def cell(seconds: float) -> int:
        return round(log1p(seconds) / log1p(last_s) * (cells - 1))

    has_blocks = terminal.has_blocks
    line: list[tuple[str, str]] = [("─" if has_blocks else "-", "dim")] * cells
    if back_after_s is not None:
        line[cell(back_after_s)] = ("│" if has_blocks else "|", "bold")
    for attempt in attempts:
        line[cell(attempt.after_s)] = _attempt_mark(attempt, has_blocks=has_blocks)
    yield ((_INDENT, ""), *line)
    yield ((f"{_INDENT}{_ticks(last_s, cells, cell)}", "dim"),)


def _attempt_mark(attempt: Attempt, *, has_blocks: bool) -> tuple[str, str]:
    if attempt.succeeds is None:
        return ("●" if has_blocks else "o"), "bold cyan"
    if attempt.succeeds:
        return ("✓" if has_blocks else "v"), "bold green"
    return ("✗" if has_blocks else "x"), "bold red"


def _ticks(last_s: float, cells: int, cell: Callable[[float], int]) -> str:
    """Returns the labels of an axis, each beginning below its time, without overlaps."""
    text = ""
    for seconds in (tick for tick in _TICKS_S if tick <= last_s):
        at, label = cell(seconds), span(seconds)
        if at + len(label) <= cells and (not text or at > len(text)):
            text = text.ljust(at) + label
    return text


def calendar(times: Sequence[datetime], terminal: TerminalInfo) -> Iterator[Line]:
    """Yields the days of the times in a calendar of weeks, or their hours if they are on few days.

    Displays up to `_MAX_ROWS` weeks or days; others follow from the list of the times.
    """
    days = list(dict.fromkeys(one.date() for one in times))
    if len(days) < len(times) and len(days) <= _MAX_ROWS:
        yield from _hours(times, days, terminal)
    elif days:
        yield from _weeks(days, terminal)


def _hours(
    times: Sequence[datetime], days: Sequence[date], terminal: TerminalInfo
) -> Iterator[Line]:
    marks = "●·" if terminal.has_blocks else "*."
    yield ((f"{_INDENT}{'':10}  0     6     12    18", "dim"),)
    for day in days:
        hours = {one.hour for one in times if one.date() == day}
        label = f"{_WEEKDAYS[3 * day.weekday() :][:2]} {_MONTHS[day.month - 1]} {day.day:>2}"
        yield (
            (f"{_INDENT}{label:10}  ", ""),
            *((marks[0], _DAY_STYLE) if h in hours else (marks[1], "dim") for h in range(24)),
        )


def _weeks(days: Sequence[date], terminal: TerminalInfo) -> Iterator[Line]:
    nothing = ("  ·" if terminal.has_blocks else "  .", "dim")
    yield ((f"{_INDENT}{'':8}  {_WEEKDAYS}", "dim"),)
    spans_years = days[0].year != days[-1].year
    mondays = dict.fromkeys(day - timedelta(days=day.weekday()) for day in days)
    for monday in list(mondays)[:_MAX_ROWS]:
        found = {day.weekday(): day for day in days if 0 <= (day - monday).days < 7}
        first, *_, last = (*found.values(), *found.values())
        months = dict.fromkeys(_MONTHS[day.month - 1] for day in (first, last))
        label = f"{_MONTHS[first.month - 1]} {first.year}" if spans_years else "/".join(months)
        yield (
            (f"{_INDENT}{label:8} ", ""),
            *((f"{found[n].day:>3}", _DAY_STYLE) if n in found else nothing for n in range(7)),
        )


def _room(terminal: TerminalInfo, used: int) -> int:
    return max(min(terminal.width - len(_INDENT) - used, _MAX_WIDTH), 1)

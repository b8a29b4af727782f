"""One value of a record as text: exact for scripts, readable for people."""

from __future__ import annotations

from typing import Any, NamedTuple

from qstash_cli.output.json_text import compact, too_deep
from qstash_cli.output.result import CellFormat
from qstash_cli.output.safe import safe_text
from qstash_cli.output.shorten import Cut
from qstash_cli.output.states import state_style
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.values import local_time, relative_time, short_time, span

# Larger numbers are not times, and no float holds the largest.
_LARGEST_FLOAT = 1e300
_CUTS: dict[str, Cut] = {"id": "middle", "url": "url"}


class Cell(NamedTuple):
    """A value in a table. `full` is for a record of its own, `brief` for a row among others.

    `cut` says where the text is shortened, `is_number` that it is aligned to the right.
    """

    full: str
    brief: str
    style: str = ""
    cut: Cut = "end"
    is_number: bool = False


EMPTY = Cell("", "")


def plain(value: Any, separator: str = ",") -> str:
    """The value for TSV and CSV: numbers untouched, lists joined, objects as JSON, None empty.

    Raises `QstashError` for what is nested too deeply.
    """
    if isinstance(value, str):
        return value
    try:
        return _plain(value, separator)
    except RecursionError:
        raise too_deep() from None


def _plain(value: Any, separator: str) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return separator.join(_plain(item, separator) for item in value)
        case int() | float():
            return str(value)
        case _:
            return compact(value)


def format_cell(value: Any, cell_format: CellFormat, terminal: TerminalInfo) -> Cell:
    """The value for a table, safe to write to a terminal."""
    if value is None:
        return EMPTY
    if isinstance(value, bool):
        return _same(("yes" if value else "no") if cell_format == "flag" else plain(value))
    if isinstance(value, int | float):
        return _number(value, cell_format, terminal)
    if cell_format == "state":
        return _state(plain(value), terminal)
    text = safe_text(plain(value, ", "))
    return Cell(text, text, cut=_CUTS.get(cell_format, "end"))


def _number(value: float, cell_format: CellFormat, terminal: TerminalInfo) -> Cell:
    if abs(value) < _LARGEST_FLOAT:
        if cell_format in {"instant_ms", "upcoming_ms"}:
            return _instant(value / 1000, terminal, is_upcoming=cell_format == "upcoming_ms")
        if cell_format == "duration_s":
            return _same(span(value))
    text = plain(value)
    return Cell(text, text, is_number=True)


def _instant(at_s: float, terminal: TerminalInfo, *, is_upcoming: bool) -> Cell:
    time, now = local_time(at_s, terminal.time_zone), terminal.now()
    distance = relative_time(at_s, now)
    short = short_time(at_s, now, terminal.time_zone)
    brief = f"{short} ({distance})" if is_upcoming and distance else short
    return Cell(f"{time} ({distance})" if distance else time, brief)


def _state(state: str, terminal: TerminalInfo) -> Cell:
    symbol, word, style = state_style(safe_text(state))
    text = f"{symbol} {word}".strip() if terminal.is_terminal else word
    return Cell(text, text, style)


def _same(text: str) -> Cell:
    return Cell(text, text)

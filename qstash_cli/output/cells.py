"""Formats one value of a record: exactly for scripts, readably for people."""

from __future__ import annotations

from typing import NamedTuple

from qstash_cli.output.json_text import compact, too_deep
from qstash_cli.output.result import CellFormat
from qstash_cli.output.safe import safe_text
from qstash_cli.output.shorten import Cut
from qstash_cli.output.states import state_style
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.values import local_time, relative_time, short_time, span

TSV_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
# Larger numbers are not times, and the largest do not fit into a float.
_LARGEST_FLOAT = 1e300
_CUTS: dict[str, Cut] = {"id": "middle", "url": "url"}


class Cell(NamedTuple):
    """A value in a table. `full` is for a single record, `brief` for a row.

    `cut` says where the text is shortened, `is_number` that it is aligned to the right.
    """

    full: str
    brief: str
    style: str = ""
    cut: Cut = "end"
    is_number: bool = False


EMPTY = Cell("", "")


def plain(value: object, separator: str = ",") -> str:
    """Formats a value for TSV and CSV.

    Numbers are unchanged, lists are joined, objects are JSON, and None is empty. Raises
    `QstashError` for a value that is nested too deeply.
    """
    if isinstance(value, str):
        return value
    try:
        return _plain(value, separator)
    except RecursionError:
        raise too_deep() from None


def _plain(value: object, separator: str) -> str:
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


def format_cell(value: object, cell_format: CellFormat, terminal: TerminalInfo) -> Cell:
    """Formats a value for a table, safe to write to a terminal."""
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
    brief = distance if is_upcoming and distance else short
    return Cell(f"{time} ({distance})" if distance else time, brief)


def _state(state: str, terminal: TerminalInfo) -> Cell:
    symbol, word, style = state_style(safe_text(state))
    text = f"{symbol} {word}".strip() if terminal.is_terminal and terminal.has_blocks else word
    return Cell(text, text, style)


def _same(text: str) -> Cell:
    return Cell(text, text)

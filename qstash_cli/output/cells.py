"""One value of a record as text: exact for scripts, readable for people."""

from __future__ import annotations

from typing import Any, NamedTuple

from qstash_cli.output.json_text import compact, too_deep
from qstash_cli.output.result import CellFormat
from qstash_cli.output.safe import safe_text
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.values import local_time, relative_time, span

# Beyond are no times, and numbers that no float holds.
_LARGEST_FLOAT = 1e300
_STYLES = {
    "pass": "green", "fail": "red", "ok": "green", "warning": "yellow", "failure": "red"
}  # fmt: skip


class Cell(NamedTuple):
    """A value in a table: in full, and brief where there is little room."""

    full: str
    brief: str
    style: str = ""


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
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < _LARGEST_FLOAT
    ):
        if cell_format in {"instant_ms", "instant_s"}:
            return _instant(value / 1000 if cell_format == "instant_ms" else value, terminal)
        if cell_format == "duration_s":
            return _same(span(value))
    text = safe_text(plain(value, ", "))
    if cell_format == "outcome":
        return _same(text, _STYLES.get(text.lower(), "dim"))
    return _same(text)


def _instant(at_s: float, terminal: TerminalInfo) -> Cell:
    time = local_time(at_s, terminal.time_zone)
    distance = relative_time(at_s, terminal.now())
    return Cell(f"{time} ({distance})", time) if distance else _same(time)


def _same(text: str, style: str = "") -> Cell:
    return Cell(text, text, style)

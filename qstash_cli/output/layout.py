"""How wide the columns of a table are."""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.frozen import dataclass
from qstash_cli.output.cells import Cell
from qstash_cli.output.look import Look
from qstash_cli.output.result import Column, View

GAP = "  "
_LEAST = 8
_TIME_CELLS = 19
_INSTANTS = frozenset({"instant_ms", "instant_s"})
_WHOLE = _INSTANTS | {"outcome"}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The widths of the columns; `whole` says which are never cut, `is_brief` of which cells."""

    widths: tuple[int, ...]
    whole: tuple[bool, ...]
    is_brief: bool


def fit(view: View, rows: Sequence[Sequence[Cell]], look: Look) -> Layout | None:
    """The layout for these rows, None where the columns would be too narrow to read."""
    brief = _natural(view, [[cell.brief for cell in row] for row in rows])
    full = _natural(view, [[cell.full for cell in row] for row in rows])
    if not look.is_terminal:
        every = (True,) * len(full)
        return Layout(widths=full, whole=every, is_brief=False)
    whole = _whole(view)
    if _total(full) <= look.width:
        return Layout(widths=full, whole=whole, is_brief=False)
    shrunk = _shrunk(brief, whole, look.width)
    return Layout(widths=shrunk, whole=whole, is_brief=True) if shrunk else None


def fit_live(view: View, look: Look) -> Layout | None:
    """The layout before there is any row: hints, and the rest of the line for whoever has none."""
    hints = [_hint(column) for column in view.columns]
    whole = _whole(view) if look.is_terminal else (True,) * len(hints)
    open_ended = [i for i, column in enumerate(view.columns) if not _has_hint(column)]
    rest = look.width - _total(tuple(hints))
    for i in open_ended:
        hints[i] += max(0, rest // len(open_ended))
    if look.is_terminal and rest < 0:
        shrunk = _shrunk(tuple(hints), whole, look.width)
        return Layout(widths=shrunk, whole=whole, is_brief=True) if shrunk else None
    return Layout(widths=tuple(hints), whole=whole, is_brief=True)


def is_id(column: Column, view: View) -> bool:
    """The column holds the id that scripts want."""
    return column.of == view.id or column.name == "id"


def _whole(view: View) -> tuple[bool, ...]:
    # Half a time or verdict is worse than none, and half an id is of no use.
    return tuple(is_id(column, view) or column.show in _WHOLE for column in view.columns)


def _natural(view: View, texts: Sequence[Sequence[str]]) -> tuple[int, ...]:
    from rich.cells import cell_len

    headers = [cell_len(column.name) for column in view.columns]
    if not texts:
        return tuple(headers)
    widest = [max(cell_len(text) for text in column) for column in zip(*texts, strict=True)]
    return tuple(max(pair) for pair in zip(headers, widest, strict=True))


def _total(widths: tuple[int, ...]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _shrunk(widths: tuple[int, ...], whole: tuple[bool, ...], room: int) -> tuple[int, ...] | None:
    """The widths with the widest cut until all fit, None if some would be too narrow."""
    for most in range(max(widths, default=0), _LEAST - 1, -1):
        capped = tuple(w if k else min(w, most) for w, k in zip(widths, whole, strict=True))
        if _total(capped) <= room:
            return _widened(capped, widths, room)
    return None


def _widened(capped: tuple[int, ...], widths: tuple[int, ...], room: int) -> tuple[int, ...]:
    """The capped widths, with what is left over given out one by one."""
    left = room - _total(capped)
    result = list(capped)
    for i, width in enumerate(widths):
        if left and result[i] < width:
            result[i] += 1
            left -= 1
    return tuple(result)


def _has_hint(column: Column) -> bool:
    return bool(column.width) or column.show in _INSTANTS


def _hint(column: Column) -> int:
    least = _TIME_CELLS if column.show in _INSTANTS else _LEAST
    return max(column.width or least, len(column.name))

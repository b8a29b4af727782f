"""Records as tables for people: aligned columns without boxes, or fields below each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, TextIO

from qstash_cli.output.cells import EMPTY, Cell, shown
from qstash_cli.output.columns import rows_of
from qstash_cli.output.layout import GAP, Layout, fit, fit_live
from qstash_cli.output.look import Look
from qstash_cli.output.result import Column, Record, Result, View
from qstash_cli.output.safe import safe_text
from qstash_cli.output.widths import cells, chopped, resized

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Row = list[Cell]

# Widths come from as many rows, then rows are written as they are pulled.
_FIRST_ROWS = 100
# Values beside their names need this much room; with less they go below each other.
_LEAST_VALUE_CELLS = 20


def write_table(result: Result, out: TextIO, look: Look) -> None:
    """Writes several records as rows, one record as a list of its fields."""
    console = console_of(out, look)
    view = result.view
    if isinstance(result.data, Mapping) and view.rows is None:
        _write_fields(view.columns, _row(view, result.data, look), console, look)
        return
    rows = (_row(view, record, look) for record in rows_of(result))
    if result.live:
        _write_chunk(view, rows, fit_live(view, look), console, is_first=True)
    elif _write_rows(view, rows, console, look) and look.is_terminal:
        out.write(f"{safe_text(view.empty)}\n")


def _write_rows(view: View, rows: Iterator[Row], console: Console, look: Look) -> bool:
    """Writes the rows as they come; true if there were none."""
    first, failure = _pull(rows, _FIRST_ROWS)
    layout = fit(view, first, look)
    is_empty = _write_chunk(view, first, layout, console, is_first=True)
    if failure is not None:
        raise failure
    if not is_empty:
        _write_chunk(view, rows, layout, console, is_first=False)
    return is_empty


def _pull(rows: Iterator[Row], count: int) -> tuple[list[Row], BaseException | None]:
    """The first rows, and what ended them early: what came before a failure is shown too."""
    pulled: list[Row] = []
    try:
        for row in rows:
            pulled.append(row)
            if len(pulled) == count:
                break
    except BaseException as failure:  # noqa: BLE001 - raised again when the rows are written
        return pulled, failure
    return pulled, None


def _write_chunk(
    view: View, rows: Iterable[Row], layout: Layout | None, console: Console, *, is_first: bool
) -> bool:
    if layout is None:
        return _write_blocks(view.columns, rows, console, is_first=is_first)
    is_empty = True
    for row in rows:
        if is_empty and is_first:
            names = [Cell(c.name.upper(), c.name.upper(), "bold") for c in view.columns]
            _print(_line(names, layout), console)
        for part in _wrapped_rows(view, row, layout):
            _print(_line(part, layout), console)
        is_empty = False
    return is_empty


def _write_blocks(
    columns: Sequence[Column], rows: Iterable[Row], console: Console, *, is_first: bool
) -> bool:
    is_empty = True
    for row in rows:
        if not (is_empty and is_first):
            console.file.write("\n")
        for column, cell in zip(columns, row, strict=True):
            if cell is not EMPTY:
                _print(_named(f"{safe_text(column.name)}:", " ", cell), console)
        is_empty = False
    return is_empty


def _write_fields(columns: Sequence[Column], row: Row, console: Console, look: Look) -> None:
    indent = max((cells(column.name) for column in columns), default=0) + len(GAP)
    if look.is_terminal and look.width - indent < _LEAST_VALUE_CELLS:
        _write_blocks(columns, [row], console, is_first=True)
        return
    for column, cell in zip(columns, row, strict=True):
        if cell is EMPTY:
            continue
        name = resized(safe_text(column.name), indent)
        parts = _wrapped(cell.full, look.width - indent) if look.is_terminal else iter([cell.full])
        first = next(parts)
        _print(_named(name, "", Cell(first, first, cell.style)), console)
        _write_rest(parts, cell.style, indent, console)


def _write_rest(parts: Iterator[str], style: str, indent: int, console: Console) -> None:
    """Writes the lines of a field after its first one."""
    if not style:
        # A body of a mebibyte goes on for many.
        console.file.writelines(f"{' ' * indent}{part}\n" for part in parts)
        return
    for part in parts:
        _print(_named(" " * indent, "", Cell(part, part, style)), console)


def _wrapped(text: str, width: int) -> Iterator[str]:
    """The text in lines of this many cells, broken at blanks where there are any."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cells(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        *parts, line = chopped(word, width)
        yield from parts
    yield line


def _row(view: View, record: Record, look: Look) -> Row:
    return [_cell(column, record, look) for column in view.columns]


def _cell(column: Column, record: Record, look: Look) -> Cell:
    value = column.picker(record)
    if column.show == "share" and isinstance(value, float | int):
        from qstash_cli.output.bars import bar

        drawn = bar(value)
        return Cell(drawn, drawn, "cyan")
    return shown(value, column.show, look)


def _wrapped_rows(view: View, row: Row, layout: Layout) -> Iterator[Row]:
    """The row, and one more for each line that its wrapped texts go on for."""
    if not any(column.wraps for column in view.columns):
        yield row
        return
    lines = [
        [Cell(part, part, cell.style) for part in _wrapped(cell.full, width)]
        if column.wraps
        else [cell]
        for column, cell, width in zip(view.columns, row, layout.widths, strict=True)
    ]
    yield from (list(one) for one in zip_longest(*lines, fillvalue=EMPTY))


def _line(row: Row, layout: Layout) -> Text:
    from rich.text import Text

    line = Text(end="")
    owed = ""
    for cell, width, is_whole in zip(row, layout.widths, layout.whole, strict=True):
        text = cell.brief if layout.is_brief else cell.full
        text = text if is_whole else _cut(text, width)
        if text:
            line.append(owed)
            line.append(text, cell.style or None)
            owed = ""
        owed += " " * (max(0, width - cells(text)) + len(GAP))
    return line


def _cut(text: str, width: int) -> str:
    if cells(text) <= width:
        return text
    return resized(text, width - 1) + "…"


def _named(name: str, gap: str, cell: Cell) -> Text:
    from rich.text import Text

    return Text.assemble((name, "bold"), gap, (cell.full, cell.style or ""), end="")


def _print(line: Text, console: Console) -> None:
    # As Rich's own print does, but for what it does with each character of a long text.
    from rich.color import ColorSystem

    system = ColorSystem[console.color_system.upper()] if console.color_system else None
    for text, style, _ in line.render(console, end="\n"):
        console.file.write(style.render(text, color_system=system) if style else text)
    console.file.flush()


def console_of(out: TextIO, look: Look) -> Console:
    """Rich's console on a stream that looks like this."""
    from rich.console import Console

    class Leaving(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the program with 1, but a reader that has enough is no failure.
            raise BrokenPipeError

    return Leaving(
        file=out,
        width=look.width,
        color_system="standard" if look.colour else None,
        force_terminal=look.colour,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        # What the environment says is in `look` already.
        _environ={},
    )

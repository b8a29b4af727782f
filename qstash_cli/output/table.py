"""Records as tables for people: rows under a header, or the fields of one record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from qstash_cli.output.cells import Cell, format_cell
from qstash_cli.output.columns import rows_of
from qstash_cli.output.console import rendered
from qstash_cli.output.result import Column, Record, Result, View
from qstash_cli.output.safe import safe_text
from qstash_cli.output.terminal import TerminalInfo

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

Row = list[Cell]

# Rows are written by pages, so that the first ones appear while others are still read.
_PAGE_ROWS = 100
_GAP = (0, 2, 0, 0)
_GAP_CELLS = 2
# A column with less room than this is left out.
_LEAST_CELLS = 8
# A column of at most this width is never cut.
_SHORT_CELLS = 12
# The share of a column in the room that is left does not grow beyond this width.
_LARGEST_SHARE = 40
# Rich takes a second to fold a text of this length. Nobody reads it in a table.
_LONG_VALUE = 20_000
_INSTANTS = frozenset({"instant_ms", "instant_s"})
_RIGID = _INSTANTS | {"outcome"}


def write_table(result: Result, out: TextIO, terminal: TerminalInfo) -> None:
    """Writes several records as rows, one record as a list of its fields."""
    view = result.view
    if isinstance(result.data, Mapping) and view.rows is None:
        _write_fields(view.columns, _row(view, result.data, terminal), out, terminal)
        return
    rows = (_row(view, record, terminal) for record in rows_of(result))
    pages = _pages(rows, 1 if result.live else _PAGE_ROWS)
    writer = _Pages(view, out, terminal, least=_hints(view) if result.live else None)
    for page, failure in pages:
        if page:
            writer.write(page)
        if failure is not None:
            raise failure
    if not writer.has_header and terminal.is_terminal and not result.live:
        out.write(f"{safe_text(view.empty)}\n")


def _pages(rows: Iterator[Row], size: int) -> Iterator[tuple[list[Row], BaseException | None]]:
    """Pages of rows, each with the error that cut it short: its rows are still to be written."""
    page: list[Row] = []
    try:
        for row in rows:
            page.append(row)
            if len(page) == size:
                yield page, None
                page = []
    except (Exception, KeyboardInterrupt) as failure:  # noqa: BLE001 - raised again by the caller
        yield page, failure
        return
    yield page, None


class _Pages:
    """Writes pages below each other as one table: later pages keep the widths of earlier ones."""

    def __init__(
        self, view: View, out: TextIO, terminal: TerminalInfo, *, least: Sequence[int] | None
    ) -> None:
        self._view, self._out, self._look = view, out, terminal
        self._widths = list(least or [0] * len(view.columns))
        self._is_live = least is not None
        self.has_header = False

    def write(self, page: Sequence[Row]) -> None:
        """Writes the rows, and the header before the first of them."""
        texts, columns, fixed = self._laid_out(page)
        table = self._table(columns, fixed)
        for row, cells in zip(page, texts, strict=True):
            table.add_row(*(self._text(row[i], cells[i], i) for i in columns))
        self._out.write(rendered(table, self._look))
        self._out.flush()
        self.has_header = True

    def _laid_out(self, page: Sequence[Row]) -> tuple[list[list[str]], list[int], set[int]]:
        """The texts of the cells, the columns that there is room for, and those never cut."""
        full = [[cell.full for cell in row] for row in page]
        is_first = not (self.has_header or self._is_live)
        if not self._look.is_terminal or (is_first and self._fits(full)):
            self._grow(full)
            every = list(range(len(self._view.columns)))
            return full, every, set(every)
        brief = [[cell.brief for cell in row] for row in page]
        self._grow(brief)
        return brief, *self._columns_with_room()

    def _fits(self, texts: list[list[str]]) -> bool:
        natural = self._natural(texts)
        return sum(natural) + _GAP_CELLS * (len(natural) - 1) <= self._look.width

    def _grow(self, texts: list[list[str]]) -> None:
        self._widths = [max(pair) for pair in zip(self._widths, self._natural(texts), strict=True)]

    def _natural(self, texts: list[list[str]]) -> list[int]:
        from rich.cells import cell_len

        headers = [column.name for column in self._view.columns]
        return [max(map(cell_len, column)) for column in zip(headers, *texts, strict=True)]

    def _is_rigid(self, at: int) -> bool:
        # Half a time or state is worse than none.
        column = self._view.columns[at]
        is_short = self._widths[at] <= _SHORT_CELLS and not column.wraps
        return column.format in _RIGID or is_short

    def _columns_with_room(self) -> tuple[list[int], set[int]]:
        """The columns that fit, and those of them that are never cut.

        First columns that may be cut are left out, from the right, then the ids are cut, then other
        columns are left out.
        """
        kept = list(range(len(self._view.columns)))
        ids = {i for i in kept if is_id(self._view.columns[i], self._view)}
        fixed = {i for i in kept if i in ids or self._is_rigid(i)}
        while self._least_width(kept, fixed) > self._look.width:
            flexible = [i for i in kept if i not in fixed | ids]
            if not flexible and ids <= fixed:
                fixed -= ids
            elif removable := flexible or [i for i in kept if i not in ids]:
                kept.remove(removable[-1])
            else:
                break
        return kept, fixed

    def _least_width(self, columns: Sequence[int], fixed: set[int]) -> int:
        least = [self._widths[i] if i in fixed else _LEAST_CELLS for i in columns]
        return sum(least) + _GAP_CELLS * (len(least) - 1)

    def _table(self, columns: Sequence[int], fixed: set[int]) -> Table:
        from rich.table import Table

        total = sum(self._widths[i] for i in columns) + _GAP_CELLS * (len(columns) - 1)
        is_tight = self._look.is_terminal and total > self._look.width
        table = Table(
            box=None, padding=_GAP, pad_edge=False, show_header=not self.has_header,
            header_style="bold", expand=is_tight,
        )  # fmt: skip
        for i in columns:
            column = self._view.columns[i]
            is_fixed = i in fixed or not is_tight
            table.add_column(
                column.name.upper(),
                width=self._widths[i] if is_fixed else None,
                ratio=None if is_fixed else max(1, min(self._widths[i], _LARGEST_SHARE)),
                no_wrap=not column.wraps,
                overflow="fold" if column.wraps else "ellipsis",
            )
        return table

    def _text(self, cell: Cell, text: str, at: int) -> Text:
        from rich.text import Text

        if self._look.is_terminal and not self._view.columns[at].wraps:
            # What is cut anyway need not be measured whole.
            text = text[: self._look.width + 1]
        # A style of the whole text would colour the blanks after it, too.
        return Text.assemble((text, cell.style))


def is_id(column: Column, view: View) -> bool:
    """The column holds the id that scripts want."""
    return column.of == view.id or column.name == "id"


def _hints(view: View) -> list[int]:
    return [column.width for column in view.columns]


def _write_fields(columns: Sequence[Column], row: Row, out: TextIO, terminal: TerminalInfo) -> None:
    from rich.table import Table
    from rich.text import Text

    fields = [(column, cell) for column, cell in zip(columns, row, strict=True) if cell.full]
    table = Table.grid(padding=_GAP, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for column, cell in fields:
        if len(cell.full) <= _LONG_VALUE:
            table.add_row(safe_text(column.name), Text(cell.full, style=cell.style))
    out.write(rendered(table, terminal))
    for column, cell in fields:
        if len(cell.full) > _LONG_VALUE:
            out.write(f"{safe_text(column.name)}\n{cell.full}\n")
    out.flush()


def _row(view: View, record: Record, terminal: TerminalInfo) -> Row:
    return [_cell(column, record, terminal) for column in view.columns]


def _cell(column: Column, record: Record, terminal: TerminalInfo) -> Cell:
    value = column.picker(record)
    if column.format == "share" and isinstance(value, float | int):
        from qstash_cli.output.bars import bar

        drawn = bar(value, terminal)
        return Cell(drawn, drawn, "cyan")
    return format_cell(value, column.format, terminal)

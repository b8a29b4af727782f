"""Renders records as tables: rows under a header, or the fields of one record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from qstash_cli.output.cells import Cell, format_cell
from qstash_cli.output.columns import rows_of
from qstash_cli.output.console import rendered
from qstash_cli.output.layout import GAP, Size, fit_columns
from qstash_cli.output.result import Column, Record, Result, View
from qstash_cli.output.safe import safe_text
from qstash_cli.output.shorten import shorten
from qstash_cli.output.terminal import UNLIMITED, TerminalInfo

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

Row = list[Cell]

# Rows are written in pages, so that the first rows appear while others are still read.
_PAGE_ROWS = 100
_PADDING = (0, GAP, 0, 0)
# Texts of at most this width are never shortened.
_SHORT = 12
# The comfortable and the least width of columns that may be shortened.
_URL, _ID, _WRAPPED, _TEXT = (24, 16), (14, 12), (24, 12), (16, 11)
_UNCUT = frozenset({"instant_ms", "upcoming_ms", "duration_s", "state", "flag", "share"})
# Rich takes a second to fold a text of this length, which nobody reads in a table.
_LONG_VALUE = 20_000


def write_table(result: Result, out: TextIO, terminal: TerminalInfo) -> int:
    """Writes records as rows, or one record as a list of its fields. Returns the number of rows.

    If an error interrupts a page, writes the page before raising the error.
    """
    view = _for_tables(result.view)
    if isinstance(result.data, Mapping) and view.rows is None:
        _write_fields(view.columns, _row(view, result.data, terminal), out, terminal)
        return 0
    rows = (_row(view, record, terminal) for record in rows_of(result))
    writer = _Pages(view, out, terminal, is_live=result.live)
    for page, failure in _pages(rows, 1 if result.live else _PAGE_ROWS):
        if page:
            writer.write(page)
        if failure is not None:
            raise failure
    if not writer.rows and terminal.is_terminal and not result.live:
        out.write(f"{safe_text(view.empty)}\n")
    return writer.rows


def _for_tables(view: View) -> View:
    return view._replace(columns=tuple(one for one in view.columns if one.where != "data"))


def heading(column: Column) -> str:
    """Returns the header of a column: `messageId` is `MESSAGE ID`, `createdAt` is `CREATED`."""
    if column.header:
        return column.header
    words = re.sub("(?<=[a-z])(?=[A-Z])", " ", column.name)
    return words.removesuffix(" At").upper()


def is_id(column: Column, view: View) -> bool:
    """Whether the column contains ids."""
    return column.format == "id" or column.of == view.id or column.name == "id"


def _pages(rows: Iterator[Row], size: int) -> Iterator[tuple[list[Row], BaseException | None]]:
    """Yields pages of rows, each with the error that interrupted it, or None."""
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
    """Writes pages below each other as one table: later pages keep the widths of earlier pages.

    Omits columns without values. If a later page has a value, writes the header again.
    """

    def __init__(self, view: View, out: TextIO, terminal: TerminalInfo, *, is_live: bool) -> None:
        self._view, self._out, self._terminal = view, out, terminal
        self._headings = [heading(column) for column in view.columns]
        self._room = terminal.width if terminal.is_terminal else UNLIMITED
        shows_all = is_live or view.keeps_empty or not terminal.is_terminal
        self._used = set(range(len(view.columns))) if shows_all else set[int]()
        self._natural = [column.width if is_live else 0 for column in view.columns]
        self._numbers = set[int]()
        self.rows = 0

    def write(self, page: Sequence[Row]) -> None:
        """Writes the rows, and the header before the first row."""
        used = self._used | {i for i in range(len(self._headings)) if any(r[i].brief for r in page)}
        has_header = used == self._used and self.rows > 0
        self._used = used
        self._grow(page)
        columns = fit_columns({i: self._size(i) for i in sorted(used)}, self._room)
        table = self._table(columns, has_header=has_header)
        for row in page:
            table.add_row(*(self._text(row[i], width, i) for i, width in columns.items()))
        self._out.write(rendered(table, self._terminal))
        self._out.flush()
        self.rows += len(page)

    def _grow(self, page: Sequence[Row]) -> None:
        from rich.cells import cell_len

        is_first = self.rows == 0
        for i, name in enumerate(self._headings):
            # Texts are shortened to this width, so the rest need not be measured.
            cells = [row[i].brief[: self._room + 1] for row in page]
            self._natural[i] = max(self._natural[i], len(name), *map(cell_len, cells))
            if is_first and all(row[i].is_number or not row[i].brief for row in page):
                self._numbers.add(i)

    def _size(self, at: int) -> Size:
        column, natural = self._view.columns[at], self._natural[at]
        names_record = is_id(column, self._view)
        is_short = natural <= _SHORT and not (column.wraps or names_record)
        if is_short or column.format in _UNCUT or at in self._numbers:
            comfortable = least = natural
        else:
            comfortable, least = (
                _ID if names_record else _WRAPPED if column.wraps
                else _URL if column.format == "url" else _TEXT
            )  # fmt: skip
        return Size(
            natural,
            min(natural, comfortable),
            min(natural, max(least, len(self._headings[at]))),
            is_id=names_record,
            is_optional=column.is_optional,
        )

    def _table(self, columns: Mapping[int, int], *, has_header: bool) -> Table:
        from rich.table import Table
        from rich.text import Text

        # A style of the whole cell would also colour the spaces after its text.
        table = Table(
            box=None, padding=_PADDING, pad_edge=False, show_header=not has_header,
            header_style="",
        )  # fmt: skip
        for i, width in columns.items():
            wraps = self._view.columns[i].wraps
            table.add_column(
                Text.assemble((self._headings[i], "bold")),
                width=width,
                justify="right" if i in self._numbers else "left",
                no_wrap=not wraps,
                overflow="fold" if wraps else "ellipsis",
            )
        return table

    def _text(self, cell: Cell, width: int, at: int) -> Text:
        from rich.text import Text

        text, column = cell.brief, self._view.columns[at]
        if not column.wraps:
            cut = "middle" if is_id(column, self._view) else cell.cut
            text = shorten(text, width, cut, self._terminal.cut_mark)
        return Text.assemble((text, cell.style))


def _write_fields(columns: Sequence[Column], row: Row, out: TextIO, terminal: TerminalInfo) -> None:
    from rich.table import Table
    from rich.text import Text

    fields = [(column, cell) for column, cell in zip(columns, row, strict=True) if cell.full]
    table = Table.grid(padding=_PADDING, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for column, cell in fields:
        if len(cell.full) <= _LONG_VALUE:
            table.add_row(_field_name(column), Text(cell.full, style=cell.style))
    out.write(rendered(table, terminal))
    for column, cell in fields:
        if len(cell.full) > _LONG_VALUE:
            out.write(f"{_field_name(column)}\n{cell.full}\n")
    out.flush()


def _field_name(column: Column) -> str:
    name = heading(column).capitalize()
    return safe_text(re.sub(r"\b(?:Id|id|Url|url|Dlq)\b", lambda word: word[0].upper(), name))


def _row(view: View, record: Record, terminal: TerminalInfo) -> Row:
    return [_cell(column, record, terminal) for column in view.columns]


def _cell(column: Column, record: Record, terminal: TerminalInfo) -> Cell:
    value = column.picker(record)
    if column.format == "share" and isinstance(value, float | int):
        from qstash_cli.output.bars import bar

        drawn = bar(value, terminal)
        return Cell(drawn, drawn, "cyan")
    return format_cell(value, column.format, terminal)

"""The result of a command: QStash's own JSON, and its presentation for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import methodcaller
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from qstash_cli.errors import QstashError

if TYPE_CHECKING:
    from qstash_cli.output.blocks import Block

Record = Mapping[str, Any]
FindError = Callable[[], QstashError | None]
CellFormat = Literal[
    "text",
    "id",
    "url",
    "state",
    "flag",
    "instant_ms",
    "upcoming_ms",
    "duration_s",
    "list",
    "share",
]
Style = Literal["plain", "added", "changed", "removed"]
Format = Literal["table", "json", "jsonl", "tsv", "csv", "ids"]


class Column(NamedTuple):
    """A column.

    `of` is a field's name, or a function that picks the value from the record. `format` applies
    only to tables. `header` replaces the header derived from the name. `width` is the minimum width
    of a column whose rows are written one by one. If space is short, a text that `wraps` continues
    on the next line, and other texts are shortened. A column that `is_optional` is omitted before
    others are shortened much. `where` says whether the column is for tables, for formats that
    programs read, or for both.
    """

    name: str
    of: str | Callable[[Record], Any]
    format: CellFormat = "text"
    width: int = 0
    wraps: bool = False
    header: str = ""
    is_optional: bool = False
    where: Literal["everywhere", "tables", "data"] = "everywhere"

    @property
    def picker(self) -> Callable[[Record], Any]:
        """Returns a function that picks this column's value from a record, or None."""
        return methodcaller("get", self.of) if isinstance(self.of, str) else self.of


class View(NamedTuple):
    """The columns of a table or TSV, and the field or function for the id that scripts use.

    `rows` splits a record into rows, if a record is not one row. `empty` replaces a table without
    rows on a terminal, and `noun` is used to count the rows below it. `forms` are additional
    formats, whose texts are in the results. `keeps_empty` keeps columns without values.
    """

    columns: tuple[Column, ...]
    id: str | Callable[[Record], Any]
    rows: Callable[[Record], Iterable[Record]] | None = None
    empty: str = "nothing found"
    forms: tuple[str, ...] = ()
    noun: tuple[str, str] | None = None
    keeps_empty: bool = False

    def pick_id(self, record: Record) -> Any:
        """Returns a function that picks the id of a record, or None."""
        return record.get(self.id) if isinstance(self.id, str) else self.id(record)


class Line(NamedTuple):
    """A line for people; `style` is its colour, if the terminal has colours."""

    text: str
    style: Style = "plain"


class Result(NamedTuple):
    """The result of a command.

    `data` is one record, or several that may still arrive. `on_terminal` and `piped` are the
    default formats. `text` or `lines`, if given, replace both: text is written unchanged, with a
    line feed at its end, and may be generated in pieces. `screen` returns the blocks that a
    terminal displays in place of a table of all columns. `forms` are the texts of the view's
    additional formats.

    `live` marks records that arrive over a long time. If they are not `one_by_one`, nobody waits
    for a single record, so they are written in larger pieces.

    `footer` is called after the data, and returns a note about it or None. `done` is the sentence
    that confirms a change on a terminal, such as "Paused queue orders". `error` is reported after
    the data and determines the exit code. Both may be functions, if they depend on the data.
    `on_interrupt` returns the error for Ctrl-C while the data is written or the error is awaited;
    None means an interrupt without a message.
    """

    data: Record | Iterable[Record]
    view: View
    on_terminal: Format = "table"
    piped: Format = "tsv"
    text: str | Iterable[str] | None = None
    lines: tuple[Line, ...] | None = None
    screen: Callable[[], Iterable[Block]] | None = None
    forms: Mapping[str, str | Iterable[str]] = MappingProxyType({})
    live: bool = False
    one_by_one: bool = True
    footer: Callable[[], str | None] | None = None
    done: str | Callable[[], str] = ""
    error: QstashError | FindError | None = None
    on_interrupt: Callable[[], QstashError | None] | None = None

    def final_error(self) -> QstashError | None:
        """Returns the error that the run ends with, or None. Call it after the data."""
        return self.error() if callable(self.error) else self.error

    def confirmation(self) -> str:
        """Returns the sentence of `done`, empty without one. Call it after the data."""
        return self.done() if callable(self.done) else self.done

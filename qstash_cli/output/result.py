"""What a command returns: QStash's own JSON, and how people see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import methodcaller
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from qstash_cli.errors import QstashError

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
    """One column. `of` is a field's name or picks from the record; `format` is for tables alone.

    `header` replaces the header that follows from the name. `width` is how wide the column is at
    the least where rows are written as they come. Where there is no room, a text that `wraps`
    continues below, others are cut. A column that `is_optional` is left out
    before others are cut much. `where` says whether it is for tables, for
    formats that programs read, or for both.
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
        """Picks the value of this column from a record, None if the record has none."""
        return methodcaller("get", self.of) if isinstance(self.of, str) else self.of


class View(NamedTuple):
    """The columns of a table or TSV, and the field or picker of the id that scripts want.

    `rows` makes the rows of one record, where one record is not one row. `empty` is said on a
    terminal instead of a table without rows, and `noun` counts them below it. `forms` are further
    formats, whose texts are those of the results. `keeps_empty` keeps columns without any value.
    """

    columns: tuple[Column, ...]
    id: str | Callable[[Record], Any]
    rows: Callable[[Record], Iterable[Record]] | None = None
    empty: str = "nothing found"
    forms: tuple[str, ...] = ()
    noun: tuple[str, str] | None = None
    keeps_empty: bool = False

    def pick_id(self, record: Record) -> Any:
        """The id of a record, None if it has none."""
        return record.get(self.id) if isinstance(self.id, str) else self.id(record)


class Line(NamedTuple):
    """A line for people; `style` is its colour on a terminal that has some."""

    text: str
    style: Style = "plain"


class Result(NamedTuple):
    """What a command found or did.

    `data` is one record, or several that may still be on their way. `on_terminal` and `piped` are
    the formats where none was asked for. `text` or `lines`, if given, take the place of both: text
    is written as it is, its last line ended; it may be generated piece by piece. `forms` are the
    texts of the view's further formats. `live` marks records that come one by one over a long time;
    nobody waits for a single one of those that are not `one_by_one`, so that they are written in
    larger pieces. `footer` is called
    after the data, and returns a note about it or None. `error` is reported after the data, and its
    exit code is the run's; a function is called then, where the error depends on the data.
    `on_interrupt` makes the error for Ctrl-C while the data is written or the error is awaited;
    None leaves it an interrupt without a message.
    """

    data: Record | Iterable[Record]
    view: View
    on_terminal: Format = "table"
    piped: Format = "tsv"
    text: str | Iterable[str] | None = None
    lines: tuple[Line, ...] | None = None
    forms: Mapping[str, str | Iterable[str]] = MappingProxyType({})
    live: bool = False
    one_by_one: bool = True
    footer: Callable[[], str | None] | None = None
    error: QstashError | FindError | None = None
    on_interrupt: Callable[[], QstashError | None] | None = None

    def final_error(self) -> QstashError | None:
        """The error that the run ends with, None if there isn't one. Call it after the data."""
        return self.error() if callable(self.error) else self.error

"""The parts of a screen: what a command displays on a terminal where one table is not enough.

All texts are untrusted and are escaped when the screen is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from qstash_cli.output.charts import Line
    from qstash_cli.output.result import CellFormat, Record, View
    from qstash_cli.output.terminal import TerminalInfo


class Headline(NamedTuple):
    """A state with its symbol and colour, and a text. `word` replaces the word of the state."""

    state: str
    text: str
    word: str = ""


class Section(NamedTuple):
    """An empty line, and a title with a less prominent note behind it."""

    title: str = ""
    note: str = ""


class Listing(NamedTuple):
    """A table of several records, or the fields of a single one."""

    data: Record | Iterable[Record]
    view: View


class RowCell(NamedTuple):
    """A value of a row, and the width that it is padded to."""

    value: object
    width: int
    format: CellFormat = "text"


class Row(NamedTuple):
    """A line of a log that grows: padded cells, and a text that is never cut or wrapped."""

    cells: tuple[RowCell, ...]
    text: str
    is_header: bool = False


class Preformatted(NamedTuple):
    """Text whose line breaks are kept."""

    text: str


class Labelled(NamedTuple):
    """Texts behind prominent labels, such as `cause:` and `fix:`."""

    rows: tuple[tuple[str, str], ...]


class Commands(NamedTuple):
    """Commands to copy, each with what it does. They are never cut or wrapped."""

    rows: tuple[tuple[str, str], ...]


class Prompt(NamedTuple):
    """A command line that is run now. A long one continues behind a backslash."""

    words: tuple[str, ...]


class Rule(NamedTuple):
    """An empty line, and a line across the terminal with a title; in a pipe only the title."""

    title: str = ""


class Paragraph(NamedTuple):
    """A sentence, wrapped between words."""

    text: str


class Chart(NamedTuple):
    """Lines that a function of `output.charts` draws for a terminal."""

    draw: Callable[[TerminalInfo], Iterable[Line]]


Block = (
    Chart
    | Headline
    | Section
    | Listing
    | Row
    | Preformatted
    | Labelled
    | Commands
    | Prompt
    | Rule
    | Paragraph
)

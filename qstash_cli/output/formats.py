"""The output formats, one function each, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TextIO

from qstash_cli.errors import BadInput, QstashError
from qstash_cli.output.cells import TSV_ESCAPES, plain
from qstash_cli.output.columns import (
    data_columns,
    records_of,
    rows_of,
    validate_columns,
    with_columns,
    with_some_columns,
)
from qstash_cli.output.ids import ids_of
from qstash_cli.output.json_colour import json_painter
from qstash_cli.output.json_text import compact, pretty
from qstash_cli.output.queried import queried_result, queried_text
from qstash_cli.output.query import compile_query
from qstash_cli.output.result import Result, View
from qstash_cli.output.safe import encodable, safe_text
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.writing import csv_line, for_stream, line_writer, write_text

# A table returns its number of rows.
FormatFunction = Callable[[Result, TextIO, TerminalInfo], int | None]
# Takes the place of a stream while a table is written to it.
Paging = Callable[[TextIO], AbstractContextManager[TextIO]]
FORMATS: dict[str, FormatFunction] = {}

# The other formats have rows.
_OF_ANY_VALUE = ("json", "jsonl", "yaml", "text")
_WITH_COLUMNS = ("table", "tsv", "csv")


def output_format(function: FormatFunction) -> FormatFunction:
    """Registers the function as the output format of its name.

    Shells display its summary as the description of the format.
    """
    FORMATS[function.__name__] = function
    return function


def validate_output(
    format: str | None,  # noqa: A002
    query: str | None,
    columns: str | None,
    view: View | None,
) -> None:
    """Raises `BadInput`, before anything is sent, for output options that cannot be applied."""
    _validate_format(format, view.forms if view else ())
    if query is not None:
        _validate_goes_with("--query", format, tuple(FORMATS))
        compile_query(query)
    if columns is not None:
        if query is not None:
            raise BadInput(
                "--columns and --query cannot be combined",
                hint="pick the fields in the expression: --query '[].{id: messageId}'",
            )
        _validate_goes_with("--columns", format, _WITH_COLUMNS)
        if view is not None and view.columns:
            validate_columns(columns, view)


def _validate_format(name: str | None, forms: Sequence[str]) -> None:
    known = (*FORMATS, *forms)
    if name is not None and name not in known:
        raise BadInput(
            f"not an output format: {name!r}", hint=f"the formats are {', '.join(known)}"
        )


def render(
    result: Result,
    *,
    format: str | None,  # noqa: A002
    query: str | None,
    columns: str | None,
    out: TextIO,
    terminal: TerminalInfo,
    pager: Paging | None = None,
) -> int:
    """Writes the result in the requested format, or in the default format of the result.

    A complete table on a terminal is written to the stream of the `pager`. Returns the number of
    rows of a table, 0 for other formats. Raises `BadInput` like `validate_output`, and for columns
    and queries that do not match the records.
    """
    if format is not None and format in result.forms:
        write_text(result.forms[format], out, terminal)
        out.flush()
        return 0

    validate_output(format, query, columns, None)
    writer = _Writer(out, terminal, pager)
    rows: int | None = 0
    if query is not None:
        rows = _write_queried(result, query, format or "json", writer)
    elif format is None and result.text is not None:
        write_text(result.text, out, terminal)
    elif format is None and columns is None and result.lines is not None:
        from qstash_cli.output.lines import write_lines

        write_lines(result.lines, out, terminal)
    elif columns is not None:
        name = format or _format_with_columns(result, terminal)
        rows = writer.write(name, with_columns(result, columns))
    else:
        name = format or _own_format(result, terminal)
        displayed = with_some_columns(result) if name in (*_WITH_COLUMNS, "text") else result
        rows = writer.write(name, displayed)
    out.flush()
    return rows or 0


class _Writer(NamedTuple):
    """The stream of a result. A complete table on a terminal goes through the pager, if any."""

    out: TextIO
    terminal: TerminalInfo
    pager: Paging | None

    def write(self, name: str, displayed: Result) -> int | None:
        """Writes a result in a format, and returns the number of rows of a table."""
        is_paged = name == "table" and not displayed.live and self.terminal.is_terminal
        if self.pager is None or not is_paged:
            return FORMATS[name](displayed, self.out, self.terminal)
        with self.pager(self.out) as pages:
            return FORMATS[name](displayed, pages, self.terminal)


def _write_queried(result: Result, query: str, name: str, writer: _Writer) -> int | None:
    if name in _OF_ANY_VALUE:
        _write_query(result, query, name, writer.out, writer.terminal)
        return 0
    found = _search_all(result, query)
    return writer.write(name, queried_result(found, result.view, as_ids=name == "ids"))


@output_format
def table(result: Result, out: TextIO, terminal: TerminalInfo) -> int:
    """A table for people."""
    if result.screen is not None and terminal.is_terminal:
        from qstash_cli.output.screen import write_screen

        write_screen(result.screen(), out, terminal)
        return 0
    from qstash_cli.output.table import write_table

    return write_table(result, out, terminal)


@output_format
def json(result: Result, out: TextIO, terminal: TerminalInfo) -> None:
    """QStash's own JSON: an object for one record, an array for several."""
    paint = json_painter(terminal)
    if isinstance(result.data, Mapping):
        out.write(f"{paint(pretty(result.data))}\n")
        return
    before = "["
    try:
        for record in result.data:
            indented = pretty(record).replace("\n", "\n  ")
            out.write(f"{before}\n  {paint(indented)}")
            out.flush()
            before = ","
    except (QstashError, KeyboardInterrupt):
        # Programs must be able to parse incomplete output; the exit code reports the failure.
        if before == ",":
            out.write("\n]\n")
        raise
    out.write("[]\n" if before == "[" else "\n]\n")


@output_format
def jsonl(result: Result, out: TextIO, terminal: TerminalInfo) -> None:
    """QStash's own JSON, one record per line."""
    paint, write_line = json_painter(terminal), line_writer(result, out)
    for record in records_of(result):
        write_line(paint(compact(record)))


@output_format
def yaml(result: Result, out: TextIO, terminal: TerminalInfo) -> None:  # noqa: ARG001
    """YAML: a mapping for one record, a sequence for several."""
    from qstash_cli.output.yaml_text import yaml_document

    if isinstance(result.data, Mapping):
        out.write(yaml_document(result.data))
        return
    is_empty = True
    for record in result.data:
        out.write(yaml_document([record]))
        out.flush()
        is_empty = False
    if is_empty:
        out.write("[]\n")


@output_format
def tsv(result: Result, out: TextIO, terminal: TerminalInfo) -> None:
    """Tab-separated values without a header, one record per line."""
    write_line = line_writer(result, out)
    picks = [column.picker for column in data_columns(result.view)]
    for row in rows_of(result):
        values = [plain(pick(row)) for pick in picks]
        # Nearly all texts are printable; testing takes a fifth of the time of translating.
        whole = "".join(values)
        if "\\" in whole or not whole.isprintable():
            values = [value.translate(TSV_ESCAPES) for value in values]
        if terminal.is_terminal:
            values = [safe_text(value) for value in values]
        write_line(encodable("\t".join(values)))


@output_format
def csv(result: Result, out: TextIO, terminal: TerminalInfo) -> None:
    """Writes comma-separated values with a header (RFC 4180, with line feeds)."""
    columns = data_columns(result.view)
    picks = [column.picker for column in columns]
    write_line = line_writer(result, out)
    write_line(csv_line([column.name for column in columns]))
    for row in rows_of(result):
        values = [for_stream(plain(pick(row)), terminal) for pick in picks]
        write_line(csv_line(values))


@output_format
def text(result: Result, out: TextIO, terminal: TerminalInfo) -> None:
    """Plain text: what `--query` selects without quotes, else TSV."""
    tsv(result, out, terminal)


@output_format
def ids(result: Result, out: TextIO, terminal: TerminalInfo) -> None:
    """Ids, one per line."""
    write_line = line_writer(result, out)
    for record in records_of(result):
        for text in ids_of(result.view, record):
            write_line(for_stream(text, terminal))


def _own_format(result: Result, terminal: TerminalInfo) -> str:
    return result.on_terminal if terminal.is_terminal else result.piped


def _format_with_columns(result: Result, terminal: TerminalInfo) -> str:
    own = _own_format(result, terminal)
    if own in _WITH_COLUMNS:
        return own
    return "table" if terminal.is_terminal else "tsv"


def _validate_goes_with(flag: str, name: str | None, allowed: tuple[str, ...]) -> None:
    if name is not None and name not in allowed:
        raise BadInput(
            f"{flag} cannot be combined with -o {name}",
            hint=f"{flag} works with -o {', '.join(allowed)}",
        )


def _write_query(
    result: Result, query: str, name: str, out: TextIO, terminal: TerminalInfo
) -> None:
    """Writes the results of the query: for each record with jsonl, otherwise for all records."""
    paint = json_painter(terminal)
    if name == "jsonl":
        search, write_line = compile_query(query), line_writer(result, out)
        for record in records_of(result):
            write_line(paint(compact(search(_as_dict(record)))))
        return
    found = _search_all(result, query)
    if name == "json":
        out.write(f"{paint(pretty(found))}\n")
    elif name == "yaml":
        from qstash_cli.output.yaml_text import yaml_document

        out.write(yaml_document(found))
    else:
        write_text(queried_text(found), out, terminal)


def _search_all(result: Result, query: str) -> Any:
    data = result.data
    whole = [_as_dict(one) for one in data] if isinstance(data, list) else _as_dict(data)
    return compile_query(query)(whole)


def _as_dict(value: Any) -> Any:
    # JMESPath supports no other mapping.
    return dict(value) if isinstance(value, Mapping) else value

"""From blocks of bytes to the rows of a JSONL file, a CSV file or a stream of lines.

Source: RFC 4180 for CSV; JSON Lines for JSONL.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

FileFormat = Literal["jsonl", "csv", "lines"]
# A row longer than this is told and passed by, so that memory stays bounded.
MOST_BYTES = 64 * 1_048_576
_SHOWN_BYTES = 200
_BOM = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One row of the input, from line `line` to line `last_line`, `size` bytes of it.

    `fields` are the columns of a CSV row. `error` says why the row cannot be used, if so.
    """

    line: int
    last_line: int
    size: int
    text: bytes
    fields: dict[str, Any] | None = None
    error: str = ""


def rows_of(file_format: FileFormat, blocks: Iterable[bytes | None]) -> Iterator[Row | None]:
    """The rows that are not blank, and None wherever the input pauses."""
    if file_format == "csv":
        return _csv_rows(blocks)
    return (row for row in _lines(blocks) if row is None or row.error or row.text.strip())


def _lines(blocks: Iterable[bytes | None]) -> Iterator[Row | None]:
    number, rest, dropped = 0, b"", 0
    for block in blocks:
        if block is None:
            yield None
            continue
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            number += 1
            if dropped or number == 1:
                yield _row(number, line, dropped, b"\n")
                dropped = 0
            else:
                # A named tuple is made by itself in twice the time.
                text = line.removesuffix(b"\r")
                yield tuple.__new__(Row, (number, number, len(line) + 1, text, None, ""))
        if len(rest) > MOST_BYTES:
            dropped += len(rest) - _SHOWN_BYTES
            rest = rest[:_SHOWN_BYTES]
    if rest:
        yield _row(number + 1, rest, dropped, b"")


def _row(number: int, line: bytes, dropped: int, ending: bytes) -> Row:
    size = len(line) + dropped + len(ending)
    if dropped:
        shown = line[:_SHOWN_BYTES]
        return Row(number, number, size, shown, error=f"the line is too long: {size} bytes")
    if number == 1:
        line = line.removeprefix(_BOM)
    return Row(number, number, size, line.removesuffix(b"\r"))


class _Fed:
    """The lines that the CSV reader asks for, and how many bytes they were."""

    def __init__(self, blocks: Iterable[bytes | None]) -> None:
        self.size = 0
        self._rows = (row for row in _lines(blocks) if row is not None)

    def __iter__(self) -> Iterator[str]:
        for row in self._rows:
            self.size += row.size
            # Bytes that are no UTF-8 become surrogates, which no row may hold.
            yield row.text.decode(errors="surrogateescape") + "\n"


def _csv_rows(blocks: Iterable[bytes | None]) -> Iterator[Row | None]:
    csv.field_size_limit(MOST_BYTES)
    fed = _Fed(blocks)
    reader = csv.reader(iter(fed), strict=True)
    header: list[str] | None = None
    start, size = 1, 0
    for values, error in _parsed(reader):
        line, last_line, size_of_row = start, reader.line_num, fed.size - size
        start, size = last_line + 1, fed.size
        if header is None and not error:
            header = values
        elif values or error:
            yield _csv_row(header or [], values, error)(line, last_line, size_of_row)


def _parsed(reader: Any) -> Iterator[tuple[list[str], str]]:
    while True:
        try:
            yield next(reader), ""
        except StopIteration:
            return
        except csv.Error as fault:
            yield [], f"not CSV: {fault}"


def _csv_row(header: list[str], values: list[str], error: str) -> Callable[[int, int, int], Row]:
    text = ",".join(values).encode(errors="surrogateescape")
    if not error and len(values) != len(header):
        error = f"the row has {len(values)} fields where the header has {len(header)}"
    fields = dict(zip(header, values, strict=False)) if not error else None
    return lambda line, last_line, size: Row(line, last_line, size, text, fields, error)

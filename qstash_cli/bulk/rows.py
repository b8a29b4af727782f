"""From blocks of bytes to the rows of a JSONL file, a CSV file or a stream of lines.

Source: RFC 4180 for CSV; JSON Lines for JSONL.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, Self

FileFormat = Literal["jsonl", "csv", "lines"]
# A row longer than this is told and passed by, so that memory stays bounded.
MOST_BYTES = 64 * 1_048_576
_SHOWN_BYTES = 200
_BOM = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One row of the input, from line `line` to line `last_line`.

    `end` is the number of bytes of the input up to its end, `fields` are the columns of a CSV row.
    `error` says why the row cannot be used, if so.
    """

    line: int
    last_line: int
    end: int
    text: bytes
    fields: dict[str, Any] | None = None
    error: str = ""


class Lines(NamedTuple):
    """Lines as they came, `first` the number of the first; `start` bytes of the input precede."""

    first: int
    start: int
    data: bytes

    @property
    def last(self) -> int:
        """The number of the last."""
        return self.first + self.data.removesuffix(b"\n").count(b"\n")

    def row(self, line: int) -> Row:
        """The row of that line."""
        place = line - self.first
        *parts, rest = self.data.split(b"\n", place + 1)
        text, rest = (parts[place], rest) if place < len(parts) else (rest, b"")
        end = self.start + len(self.data) - len(rest)
        return Row(line, line, end, text.removesuffix(b"\r"))


# Lines as they came, or rows where there is more to be said of each.
Piece = Lines | list[Row]


def _lines_of(blocks: Iterable[bytes | None]) -> Iterator[Piece | None]:
    number, start = 1, 0
    for data, dropped in _complete(blocks):
        if data is None:
            yield None
            continue
        rest = data
        if dropped:
            line, feed, rest = data.partition(b"\n")
            size = len(line) + len(feed) + dropped
            yield [_too_long(number, start + size, size, line)]
            number, start = number + 1, start + size
        if not start:
            rest, start = _without_mark(rest)
        if rest:
            yield Lines(number, start, rest)
        number, start = number + rest.count(b"\n"), start + len(rest)


def _complete(blocks: Iterable[bytes | None]) -> Iterator[tuple[bytes | None, int]]:
    """What ends with a line feed, at last the rest, and how many bytes its first line had more."""
    rest, dropped = b"", 0
    for block in blocks:
        if block is None:
            yield None, 0
            continue
        data, feed, rest = (rest + block).rpartition(b"\n")
        if feed:
            yield data + feed, dropped
            dropped = 0
        if len(rest) > MOST_BYTES:
            dropped += len(rest) - _SHOWN_BYTES
            rest = rest[:_SHOWN_BYTES]
    if rest:
        yield rest, dropped


def _without_mark(data: bytes) -> tuple[bytes, int]:
    """The first bytes of the input without the mark of byte order, and how long it was."""
    rest = data.removeprefix(_BOM)
    return rest, len(data) - len(rest)


def _too_long(number: int, end: int, size: int, line: bytes) -> Row:
    return Row(
        number, number, end, line[:_SHOWN_BYTES], error=f"the line is too long: {size} bytes"
    )


def _each_row(lines: Lines) -> Iterator[Row]:
    end, last_end = lines.start, lines.start + len(lines.data)
    for number, line in enumerate(lines.data.removesuffix(b"\n").split(b"\n"), lines.first):
        end = min(end + len(line) + 1, last_end)
        yield Row(number, number, end, line.removesuffix(b"\r"))


def pieces_of(file_format: FileFormat, blocks: Iterable[bytes | None]) -> Iterator[Piece | None]:
    """What each block completes, and None wherever the input pauses."""
    return _csv_rows(blocks) if file_format == "csv" else _lines_of(blocks)


def rows_in(piece: Piece) -> list[Row]:
    """The rows of a piece of the input that are not blank."""
    if isinstance(piece, Lines):
        return [row for row in _each_row(piece) if row.text.strip()]
    return piece


class _Paused(Exception):
    """The input pauses, and no row is begun."""


class _Fed:
    """The lines that the CSV reader asks for, and the end of the last of them in the input."""

    def __init__(self, blocks: Iterable[bytes | None]) -> None:
        self.end = 0
        self.is_within_row = False
        self._pieces = _lines_of(blocks)
        self._left: deque[Row] = deque()

    @property
    def is_drained(self) -> bool:
        """Whether the next line has to be waited for."""
        return not self._left

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        while self.is_drained:
            piece = next(self._pieces)
            if piece is not None:
                self._left.extend(_each_row(piece) if isinstance(piece, Lines) else piece)
            elif not self.is_within_row:
                raise _Paused
        row = self._left.popleft()
        self.end, self.is_within_row = row.end, True
        # Bytes that are no UTF-8 become surrogates, which no row may hold.
        return row.text.decode(errors="surrogateescape") + "\n"


def _csv_rows(blocks: Iterable[bytes | None]) -> Iterator[Piece | None]:
    csv.field_size_limit(MOST_BYTES)
    fed = _Fed(blocks)
    reader = csv.reader(fed, strict=True)
    header: list[str] | None = None
    rows: list[Row] = []
    line = 1
    for parsed in _parsed(reader, fed):
        if parsed is None:
            yield None
            continue
        values, error = parsed
        if header is None and not error:
            header = values
        elif values or error:
            rows.append(_csv_row(header or [], values, error)(line, reader.line_num, fed.end))
        line = reader.line_num + 1
        if fed.is_drained:
            yield rows
            rows = []


def _parsed(reader: Any, fed: _Fed) -> Iterator[tuple[list[str], str] | None]:
    while True:
        fed.is_within_row = False
        try:
            yield next(reader), ""
        except StopIteration:
            return
        except _Paused:
            yield None
        except csv.Error as fault:
            yield [], f"not CSV: {fault}"


def _csv_row(header: list[str], values: list[str], error: str) -> Callable[[int, int, int], Row]:
    text = ",".join(values).encode(errors="surrogateescape")
    if not error and len(values) != len(header):
        error = f"the row has {len(values)} fields where the header has {len(header)}"
    fields = dict(zip(header, values, strict=False)) if not error else None
    return lambda line, last_line, end: Row(line, last_line, end, text, fields, error)

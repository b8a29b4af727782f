"""Reads the rows of a CSV file. Source: RFC 4180."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Self

from qstash_cli.batch.lines import (
    MAX_LINE_BYTES,
    Lines,
    Row,
    lines_of,
)
from qstash_cli.errors import BadInput


def csv_rows(
    blocks: Iterable[bytes | None],
) -> Iterator[tuple[list[Lines], list[Row]] | None]:
    """Yields the lines that each block completes, with their rows, and None if the input pauses.

    Raises `BadInput` if the header is not valid.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    feed = _Feed(blocks)
    header: list[str] | None = None
    rows: list[Row] = []
    for parsed in _parsed(csv.reader(feed, strict=True), feed):
        if parsed is None:
            yield None
            continue
        values, error = parsed
        if values or error:
            if header is None:
                header = _header(values, error, feed)
            else:
                rows.append(_row(header, values, error, feed))
        if feed.is_drained:
            yield feed.taken(), rows
            rows = []
    if rows or feed.has_lines:
        yield feed.taken(), rows


class _Paused(Exception):
    """The input pauses between two rows."""


class _Unreadable(Exception):
    """A line is too long to be parsed."""


class _Feed:
    """Supplies lines to the CSV reader, and records the lines of the current row."""

    def __init__(self, blocks: Iterable[bytes | None]) -> None:
        self.row_lines: list[Row] = []
        self.error = ""
        self._pieces = lines_of(blocks)
        self._left: deque[Row] = deque()
        self._taken: list[Lines] = []

    @property
    def is_drained(self) -> bool:
        """Whether no complete line is available yet."""
        return not self._left

    @property
    def has_lines(self) -> bool:
        """Whether lines were read since the last call of `taken`."""
        return bool(self._taken)

    def taken(self) -> list[Lines]:
        """Returns the lines that were read since the last call."""
        taken, self._taken = self._taken, []
        return taken

    def begin_row(self) -> None:
        """Marks the next line as the start of a row."""
        self.row_lines, self.error = [], ""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        while self.is_drained:
            lines = next(self._pieces)
            if lines is not None:
                self._taken.append(lines)
                self._left.extend(lines.rows())
            elif not self.row_lines:
                raise _Paused
        row = self._left.popleft()
        self.row_lines.append(row)
        if row.error:
            raise _Unreadable(row.error)
        try:
            return row.text.decode() + "\n"
        except UnicodeDecodeError as fault:
            of_line = f" of line {row.line}" if len(self.row_lines) > 1 else ""
            self.error = self.error or f"not UTF-8 at byte {fault.start}{of_line}"
            # The row is refused, but its quotes are needed to find its end.
            return row.text.decode(errors="replace") + "\n"


def _parsed(reader: Any, feed: _Feed) -> Iterator[tuple[list[str], str] | None]:
    """Yields the values of each row or its error, and None if the input pauses."""
    while True:
        feed.begin_row()
        try:
            values = next(reader)
        except StopIteration:
            return
        except _Paused:
            yield None
        except _Unreadable as fault:
            yield [], str(fault)
        except csv.Error as fault:
            yield [], feed.error or f"not valid CSV: {fault}"
        else:
            yield values, feed.error


def _header(values: list[str], error: str, feed: _Feed) -> list[str]:
    if error:
        raise BadInput(
            f"line {feed.row_lines[0].line}: cannot read the CSV header: {error}",
            hint="nothing was sent",
        )
    return values


def _row(header: list[str], values: list[str], error: str, feed: _Feed) -> Row:
    first, last = feed.row_lines[0], feed.row_lines[-1]
    if not error and len(values) != len(header):
        error = f"the row has {len(values)} fields, but the header has {len(header)}"
    fields = None if error else dict(zip(header, values, strict=True))
    text = b"\n".join([line.text for line in feed.row_lines])
    return Row(first.line, last.last_line, last.end, text, fields, error)

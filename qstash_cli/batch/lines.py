"""The lines of the input: reading them from blocks, splitting by number, and digests."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from msgspec import Struct

# A longer line is refused, and only its start is kept, to limit memory.
MAX_LINE_BYTES = 64 * 1_048_576
_KEPT_BYTES = 200
_BOM = b"\xef\xbb\xbf"
# The first line and the last one.
Span = tuple[int, int]


# Creating a struct takes a fifth of the time of a NamedTuple, and each record needs two.
class Row(Struct, frozen=True, gc=False):
    """A row of the input, from line `line` to line `last_line`.

    `end` is the offset of its end in the input, in bytes. `text` is the unchanged row, and `fields`
    are the columns of a CSV row. `error` is the reason why the row is not valid, or empty.
    """

    line: int
    last_line: int
    end: int
    text: bytes
    fields: dict[str, Any] | None = None
    error: str = ""


class Lines(NamedTuple):
    """Complete, unchanged lines; `first` is the number of the first.

    `start` is their offset in the input, in bytes. A line that is too long is alone: `data` is its
    start, and `dropped_bytes` is the size of the rest.
    """

    first: int
    start: int
    data: bytes
    dropped_bytes: int = 0

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + self.data.removesuffix(b"\n").count(b"\n")

    @property
    def end(self) -> int:
        """The offset of the end of the last line in the input, in bytes."""
        return self.start + len(self.data) + self.dropped_bytes

    def rows(self) -> Iterator[Row]:
        """Yields a row for each line, including blank lines."""
        if self.dropped_bytes:
            yield self._too_long()
            return
        lines = self.data.removesuffix(b"\n").split(b"\n")
        end = self.start
        for number, line in enumerate(lines[:-1], self.first):
            end += len(line) + 1
            yield Row(number, number, end, line.removesuffix(b"\r"))
        yield Row(self.last, self.last, self.end, lines[-1].removesuffix(b"\r"))

    def split_before(self, numbers: Sequence[int]) -> list[Lines]:
        """Splits the lines into parts before each of the given line numbers."""
        if not numbers:
            return [self]
        ends = list(accumulate(len(line) + 1 for line in self.data.split(b"\n")))
        edges = [0, *(ends[number - self.first - 1] for number in numbers), len(self.data)]
        return [
            Lines(first, self.start + start, self.data[start:end])
            for first, (start, end) in zip([self.first, *numbers], pairwise(edges), strict=True)
        ]

    def split_at(self, offset: int) -> tuple[Lines, Lines]:
        """Splits the lines at an offset in the input, which must be the end of a line."""
        size = offset - self.start
        before = self._replace(data=self.data[:size])
        return before, Lines(before.last + 1, offset, self.data[size:])

    def _too_long(self) -> Row:
        size = len(self.data) + self.dropped_bytes
        error = f"the line is too long: {size} bytes"
        return Row(self.first, self.first, self.end, self.data, error=error)


class LineRange(NamedTuple):
    """A range of line numbers, including `last`, with the SHA-256 digest of the lines."""

    first: int
    last: int
    sha256: str


def named(first: int, last: int) -> str:
    """Describes a range of lines in a message."""
    return f"line {first}" if first == last else f"lines {first} to {last}"


class Digest:
    """The SHA-256 digest of lines. A missing line feed at the end of the input is added."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, lines: Lines) -> None:
        """Adds lines."""
        self._hash.update(lines.data)
        if lines.dropped_bytes:
            self._hash.update(b" (%d bytes)" % lines.dropped_bytes)
        if not lines.data.endswith(b"\n"):
            self._hash.update(b"\n")

    def hexdigest(self) -> str:
        """Returns the digest of all lines."""
        return self._hash.hexdigest()


def ranges_of(pieces: Iterable[Lines]) -> list[LineRange]:
    """Returns the contiguous ranges of lines, in order."""
    found: list[LineRange] = []
    digest, first, last = Digest(), 0, 0
    for lines in pieces:
        if first and lines.first != last + 1:
            found.append(LineRange(first, last, digest.hexdigest()))
            digest, first = Digest(), 0
        first, last = first or lines.first, lines.last
        digest.update(lines)
    if first:
        found.append(LineRange(first, last, digest.hexdigest()))
    return found


def partition(pieces: Sequence[Lines], spans: Sequence[Span]) -> tuple[list[Lines], list[Lines]]:
    """Splits lines into those outside and those inside of the ordered, disjoint spans."""
    outside: list[Lines] = []
    inside: list[Lines] = []
    place = bisect_left(spans, pieces[0].first, key=itemgetter(1)) if pieces else 0
    for lines in pieces:
        for part in lines.split_before(_edges(lines, spans, place)):
            while place < len(spans) and spans[place][1] < part.first:
                place += 1
            is_inside = place < len(spans) and spans[place][0] <= part.first
            (inside if is_inside else outside).append(part)
    return outside, inside


def _edges(lines: Lines, spans: Sequence[Span], place: int) -> list[int]:
    """Returns the line numbers at which a span starts or has ended, except the first line."""
    last, edges = lines.last, set()
    while place < len(spans) and spans[place][0] <= last:
        edges |= {spans[place][0], spans[place][1] + 1}
        place += 1
    return sorted(edge for edge in edges if lines.first < edge <= last)


def ranges_within(pieces: Sequence[Lines], spans: Sequence[Span]) -> list[LineRange]:
    """Returns the ranges of lines within each of the ordered, disjoint spans."""
    found: list[LineRange] = []
    inside = deque(partition(pieces, spans)[1])
    for _first, last in spans:
        parts = []
        while inside and inside[0].last <= last:
            parts.append(inside.popleft())
        found += ranges_of(parts)
    return found


def lines_of(blocks: Iterable[bytes | None]) -> Iterator[Lines | None]:
    """Yields the lines that each block completes, and None if the input pauses."""
    number, start = 1, 0
    for data, dropped in _complete(blocks):
        if data is None:
            yield None
            continue
        rest = data
        if dropped or len(data) > MAX_LINE_BYTES:
            line, feed, after = data.partition(b"\n")
            size = len(line) + dropped
            if size > MAX_LINE_BYTES:
                kept = line[:_KEPT_BYTES]
                yield Lines(number, start, kept, size + len(feed) - len(kept))
                number, start, rest = number + 1, start + size + len(feed), after
        if not start:
            rest = rest.removeprefix(_BOM)
            start = len(data) - len(rest)
        if rest:
            yield Lines(number, start, rest)
        number, start = number + rest.count(b"\n"), start + len(rest)


def _complete(blocks: Iterable[bytes | None]) -> Iterator[tuple[bytes | None, int]]:
    """Yields data that ends with a line feed, finally the rest, and the bytes dropped from it."""
    rest, dropped = b"", 0
    for block in blocks:
        if block is None:
            yield None, 0
            continue
        data, feed, rest = (rest + block).rpartition(b"\n")
        if feed:
            yield data + feed, dropped
            dropped = 0
        if len(rest) > MAX_LINE_BYTES:
            dropped += len(rest) - _KEPT_BYTES
            rest = rest[:_KEPT_BYTES]
    if rest:
        yield rest, dropped

"""The lines of the input: read from blocks, cut by their numbers, and digested."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from msgspec import Struct

# A longer line is refused, and only its beginning is kept, so that memory stays bounded.
MAX_LINE_BYTES = 64 * 1_048_576
_KEPT_BYTES = 200
_BOM = b"\xef\xbb\xbf"
# The first line and the last one.
Span = tuple[int, int]


# A struct is made in a fifth of the time of a NamedTuple. There are two for each record.
class Row(Struct, frozen=True, gc=False):
    """One row of the input, from line `line` to line `last_line`.

    `end` is the number of bytes of the input up to its end, `text` the row as it came, `fields` are
    the columns of a CSV row. `error` says why the row cannot be used, if so.
    """

    line: int
    last_line: int
    end: int
    text: bytes
    fields: dict[str, Any] | None = None
    error: str = ""


class Lines(NamedTuple):
    """Whole lines as they came, `first` the number of the first.

    `start` bytes of the input precede them. A line that is too long comes alone: `data` is its
    beginning, and `dropped_bytes` follow.
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
        """The number of bytes of the input up to the end of the last line."""
        return self.start + len(self.data) + self.dropped_bytes

    def rows(self) -> Iterator[Row]:
        """The rows of all lines, blank ones too."""
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
        """The lines in parts, each but the first of which begins with one of these lines."""
        if not numbers:
            return [self]
        ends = list(accumulate(len(line) + 1 for line in self.data.split(b"\n")))
        edges = [0, *(ends[number - self.first - 1] for number in numbers), len(self.data)]
        return [
            Lines(first, self.start + start, self.data[start:end])
            for first, (start, end) in zip([self.first, *numbers], pairwise(edges), strict=True)
        ]

    def split_at(self, offset: int) -> tuple[Lines, Lines]:
        """The lines up to that number of bytes of the input, where one ends, and the others."""
        size = offset - self.start
        before = self._replace(data=self.data[:size])
        return before, Lines(before.last + 1, offset, self.data[size:])

    def _too_long(self) -> Row:
        size = len(self.data) + self.dropped_bytes
        error = f"the line is too long: {size} bytes"
        return Row(self.first, self.first, self.end, self.data, error=error)


class LineRange(NamedTuple):
    """Lines of the input by number, `last` included, and the SHA-256 digest of their bytes."""

    first: int
    last: int
    sha256: str


def named(first: int, last: int) -> str:
    """The lines from one number to another, for a message."""
    return f"line {first}" if first == last else f"lines {first} to {last}"


class Digest:
    """The SHA-256 digest of lines. A line feed that the end of the input lacks is added."""

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
        """The digest of all lines."""
        return self._hash.hexdigest()


def ranges_of(pieces: Iterable[Lines]) -> list[LineRange]:
    """The ranges of lines without a gap, in order."""
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
    """The lines outside and inside of spans of lines, which are in order and do not overlap."""
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
    """The lines, but for the first one, before which a span begins or has ended."""
    last, edges = lines.last, set()
    while place < len(spans) and spans[place][0] <= last:
        edges |= {spans[place][0], spans[place][1] + 1}
        place += 1
    return sorted(edge for edge in edges if lines.first < edge <= last)


def ranges_within(pieces: Sequence[Lines], spans: Sequence[Span]) -> list[LineRange]:
    """The ranges of lines in each of these spans, which are in order and do not overlap."""
    found: list[LineRange] = []
    inside = deque(partition(pieces, spans)[1])
    for _first, last in spans:
        parts = []
        while inside and inside[0].last <= last:
            parts.append(inside.popleft())
        found += ranges_of(parts)
    return found


def lines_of(blocks: Iterable[bytes | None]) -> Iterator[Lines | None]:
    """The lines that each block completes, and None wherever the input pauses."""
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
        if len(rest) > MAX_LINE_BYTES:
            dropped += len(rest) - _KEPT_BYTES
            rest = rest[:_KEPT_BYTES]
    if rest:
        yield rest, dropped

"""Skips the records of an input that earlier runs have sent."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from msgspec.structs import replace

from qstash_cli.batch.journal_state import JournalState
from qstash_cli.batch.lines import (
    Digest,
    LineRange,
    Lines,
    Row,
    Span,
    named,
    partition,
    ranges_within,
)
from qstash_cli.batch.rows import Piece
from qstash_cli.errors import BadInput

_first = itemgetter(0)


class InputChanged(BadInput):
    """Lines that were sent have changed or are missing from the input."""


class Resumption:
    """Skips the lines in a journal: those that were sent, and unchanged refused records.

    `refused_before` are the first lines of these refused records, and `skipped_bytes` is the size
    of everything skipped. `name` is the name of the input, for errors.
    """

    def __init__(self, state: JournalState, name: str) -> None:
        self.refused_before: list[int] = []
        self.skipped_bytes = 0
        self._name = name
        self._done = state.done
        self._done_spans = _spans(state.done)
        self._refused = state.refused
        self._verified = 0
        self._read_lines = 0
        self._digest = Digest()

    def remaining(self, pieces: Iterable[Piece | None]) -> Iterator[Piece | None]:
        """Yields the remaining pieces.

        Raises `BadInput` at the end of the first range that has changed.
        """
        if not self._done and not self._refused:
            yield from pieces
            return
        for piece in pieces:
            if piece is None:
                yield None
                continue
            left = self._left_of(piece.lines)
            if left == piece.lines:
                yield piece
            elif piece.rows is None:
                yield from (Piece([lines]) for lines in left)
            elif left:
                yield Piece(left, list(_rows_left(piece.rows, left)))
        if self._verified < len(self._done):
            missing = self._done[self._verified]
            raise self._changed(f"it ends before line {missing.last}, which was sent")

    @property
    def is_complete(self) -> bool:
        """Whether all lines in the journal have been read."""
        return self._verified == len(self._done) and (
            not self._refused or self._refused[-1].last <= self._read_lines
        )

    def _left_of(self, pieces: Sequence[Lines]) -> list[Lines]:
        left, done = partition(pieces, self._done_spans)
        self._read_lines = pieces[-1].last
        for lines in done:
            self._verify(lines)
        unchanged = self._unchanged_refusals(left)
        self.refused_before += [one.first for one in unchanged]
        left, refused = partition(left, _spans(unchanged))
        self.skipped_bytes += sum(lines.end - lines.start for lines in (*done, *refused))
        return left

    def _verify(self, lines: Lines) -> None:
        expected = self._done[self._verified]
        self._digest.update(lines)
        if lines.last < expected.last:
            return
        if self._digest.hexdigest() != expected.sha256:
            differ = "differs" if expected.first == expected.last else "differ"
            raise self._changed(f"{named(expected.first, expected.last)} {differ}")
        self._digest = Digest()
        self._verified += 1

    def _unchanged_refusals(self, left: Sequence[Lines]) -> list[LineRange]:
        if not left or not self._refused:
            return []
        start = bisect_left(self._refused, left[0].first, key=_first)
        end = bisect_right(self._refused, left[-1].last, key=_first)
        known = self._refused[start:end]
        found = set(ranges_within(left, _spans(known)))
        return [one for one in known if one in found]

    def _changed(self, how: str) -> InputChanged:
        return InputChanged(
            f"the input has changed since records were sent: {how}: {self._name}",
            hint="restore those lines and append new records, or delete the journal to send every "
            "record again",
        )


def _spans(ranges: Iterable[LineRange]) -> list[Span]:
    return [(one.first, one.last) for one in ranges]


def _rows_left(rows: Iterable[Row], left: Sequence[Lines]) -> Iterator[Row]:
    """Yields the rows on the remaining lines. A row that is also on other lines cannot be sent."""
    for row in rows:
        start = max(bisect_right(left, row.line, key=_first) - 1, 0)
        near = left[start : bisect_right(left, row.last_line, key=_first)]
        inside = partition(near, [(row.line, row.last_line)])[1]
        count = sum(lines.last - lines.first + 1 for lines in inside)
        if count == row.last_line - row.line + 1:
            yield row
        elif count:
            error = "the row ends on a line that was already sent"
            yield replace(row, fields=None, error=row.error or error)

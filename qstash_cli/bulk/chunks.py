"""Records gathered into requests, by count, by bytes and by age."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import itemgetter

from qstash_cli.bulk.items import Record

# A record that waits longer than this for others is sent without them.
LONGEST_WAIT_S = 1.0
_item = itemgetter(Record._fields.index("item"))


@dataclass(kw_only=True)
class Chunk:
    """The records of the lines `first_line` to `last_line`, good and bad.

    They are the bytes `start` to `end` of the input, and `item_bytes` of a request.
    """

    first_line: int = 1
    last_line: int = 0
    start: int = 0
    end: int = 0
    item_bytes: int = 0
    good: list[Record] = field(default_factory=list)
    bad: list[Record] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.good) + len(self.bad)

    def take(
        self, records: Sequence[Record], most_records: int, most_bytes: int
    ) -> Sequence[Record]:
        """Adds those that have room, the first one in any case if there is none yet.

        Returns the others.
        """
        fitting = records[: most_records - len(self)]
        lengths = list(accumulate(map(len, map(_item, fitting)), initial=self.item_bytes))
        number = bisect_right(lengths, most_bytes) - 1
        if number < 1:
            if self:
                return records
            number = 1
        taken = fitting[:number]
        self.item_bytes = lengths[number]
        bad = [record for record in taken if record.error]
        self.good += [record for record in taken if not record.error] if bad else taken
        self.bad += bad
        last = taken[-1].row
        self.last_line, self.end = last.last_line, last.end
        return records[number:]

    def following(self) -> Chunk:
        """The chunk that begins where this one ends, with nothing in it yet."""
        return Chunk(first_line=self.last_line + 1, start=self.end)


def chunks_of(
    records: Iterable[Sequence[Record] | None],
    *,
    most_records: int,
    most_bytes: int,
    now: Callable[[], float],
) -> Iterator[Chunk | None]:
    """Chunks of that many records and bytes, a record alone if it is larger, in order.

    Where the input pauses, and when a record has waited for a second, what is there goes out;
    None follows a pause.
    """
    chunk, begun_at = Chunk(), 0.0
    for some in records:
        rest = some or ()
        while rest:
            begun_at = begun_at if chunk else now()
            rest = chunk.take(rest, most_records, most_bytes)
            if rest or len(chunk) == most_records or now() - begun_at > LONGEST_WAIT_S:
                yield chunk
                chunk = chunk.following()
        if some is None:
            if chunk:
                yield chunk
                chunk = chunk.following()
            yield None
    if chunk:
        yield chunk

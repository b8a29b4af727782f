"""Groups records into requests, limited by count, size and age."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from operator import attrgetter

from qstash_cli.batch.items import Record, RecordGroup
from qstash_cli.batch.lines import LineRange, Lines, ranges_of

# A record waits no longer than this for others to be sent with it.
LONGEST_WAIT_S = 1.0
# Blank lines and refused records are not sent, but kept in memory until the request is sent.
MAX_INPUT_BYTES = 4 * 1_048_576
_item = attrgetter("item")


@dataclass(kw_only=True)
class Chunk:
    """The valid and invalid records of some lines. `item_bytes` is the size of their request."""

    lines: list[Lines] = field(default_factory=list)
    item_bytes: int = 0
    input_bytes: int = 0
    good: list[Record] = field(default_factory=list)
    bad: list[Record] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.good) + len(self.bad)

    @cached_property
    def ranges(self) -> list[LineRange]:
        """Returns the ranges of the lines with their digests."""
        return ranges_of(self.lines)

    def take(self, group: RecordGroup, max_records: int, max_bytes: int) -> RecordGroup | None:
        """Adds records up to the limits, and at least one if the chunk is empty.

        Returns the remaining records, or None.
        """
        fitting = group.records[: max_records - len(self)]
        sizes = list(accumulate(map(len, map(_item, fitting)), initial=self.item_bytes))
        count = max(bisect_right(sizes, max_bytes) - 1, 0)
        if group.records and count < 1:
            if self:
                return group
            count = 1
        self.item_bytes = sizes[count]
        taken, rest = _split(group, count)
        bad = [record for record in taken.records if record.error]
        self.good += (
            [record for record in taken.records if not record.error] if bad else taken.records
        )
        self.bad += bad
        self.lines += taken.lines
        self.input_bytes += sum(lines.end - lines.start for lines in taken.lines)
        return rest


def _split(group: RecordGroup, count: int) -> tuple[RecordGroup, RecordGroup | None]:
    """Splits off the first records with all lines up to the last of them."""
    if count == len(group.records):
        return group, None
    end = group.records[count - 1].row.end
    before, after = [], []
    for lines in group.lines:
        if lines.end <= end:
            before.append(lines)
        elif lines.start >= end:
            after.append(lines)
        else:
            one, other = lines.split_at(end)
            before.append(one)
            after.append(other)
    return RecordGroup(before, group.records[:count]), RecordGroup(after, group.records[count:])


def chunks_of(
    groups: Iterable[RecordGroup | None],
    *,
    max_records: int,
    max_bytes: int,
    now: Callable[[], float],
) -> Iterator[Chunk | None]:
    """Yields chunks of up to that many records and bytes, in order. A larger record is alone.

    If the input pauses, or a record has waited for a second, yields the current chunk even if it is
    not full. Yields None after a pause.
    """
    chunk, begun_at = Chunk(), 0.0
    for group in groups:
        rest = group
        while rest is not None:
            begun_at = begun_at if chunk else now()
            rest = chunk.take(rest, max_records, max_bytes)
            is_full = rest or len(chunk) == max_records or chunk.input_bytes > MAX_INPUT_BYTES
            if is_full or now() - begun_at > LONGEST_WAIT_S:
                yield chunk
                chunk = Chunk()
        if group is None:
            if chunk:
                yield chunk
                chunk = Chunk()
            yield None
    if chunk:
        yield chunk

"""Records gathered into requests, by count, by bytes and by age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from qstash_cli.bulk.items import Record

# A record that waits longer than this for others is sent without them.
LONGEST_WAIT_S = 1.0


@dataclass(kw_only=True)
class Chunk:
    """The records of the lines `first_line` to `last_line`, good and bad, `size` bytes of input."""

    first_line: int
    last_line: int = 0
    size: int = 0
    good: list[Record] = field(default_factory=list)
    bad: list[Record] = field(default_factory=list)
    item_bytes: int = 0

    def add(self, record: Record) -> None:
        """Takes one more record."""
        row = record.row
        self.last_line = row.last_line
        self.size += row.size
        self.item_bytes += len(record.item)
        (self.bad if record.error else self.good).append(record)

    def has_room_for(self, record: Record, most_records: int, most_bytes: int) -> bool:
        """Whether it may take this record too, with those that it has."""
        count = len(self.good) + len(self.bad)
        return count < most_records and self.item_bytes + len(record.item) <= most_bytes


def chunks_of(
    records: Iterable[Record | None],
    *,
    most_records: int,
    most_bytes: int,
    now: Callable[[], float],
) -> Iterator[Chunk | None]:
    """Chunks of that many records and bytes, a record alone if it is larger, in order.

    Where the input pauses, and when a record has waited for a second, what is there goes out;
    None follows a pause.
    """
    chunk: Chunk | None = None
    last_line, begun_at = 0, 0.0
    for record in records:
        if record is None:
            if chunk is not None:
                yield chunk
                chunk = None
            yield None
            continue
        if chunk is not None and not chunk.has_room_for(record, most_records, most_bytes):
            yield chunk
            chunk = None
        if chunk is None:
            chunk, begun_at = Chunk(first_line=last_line + 1), now()
        chunk.add(record)
        last_line = record.row.last_line
        if now() - begun_at > LONGEST_WAIT_S:
            yield chunk
            chunk = None
    if chunk is not None:
        yield chunk

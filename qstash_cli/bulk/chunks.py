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
    last_line, begun_at, room, item_bytes = 0, 0.0, 0, 0
    for record in records:
        if record is None:
            if chunk is not None:
                yield chunk
                chunk = None
            yield None
            continue
        # Every record passes here: what it costs, a hundred thousand of them cost.
        row, item, _, error = record
        room -= 1
        item_bytes += len(item)
        if chunk is not None and (room < 0 or item_bytes > most_bytes):
            yield chunk
            chunk = None
        if chunk is None:
            chunk, begun_at = Chunk(first_line=last_line + 1), now()
            room, item_bytes = most_records - 1, len(item)
        last_line = chunk.last_line = row.last_line
        chunk.size += row.size
        (chunk.bad if error else chunk.good).append(record)
        if now() - begun_at > LONGEST_WAIT_S:
            yield chunk
            chunk = None
    if chunk is not None:
        yield chunk

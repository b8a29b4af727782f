"""How records are gathered into requests."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.bulk.chunks import Chunk, chunks_of
from qstash_cli.bulk.items import Record
from qstash_cli.bulk.rows import Row


def record(line: int, size: int, *, error: str = "") -> Record:
    row = Row(line, line, 10 * line, b"")
    return Record(row, line, error=error) if error else Record(row, line, b"x" * size)


def gathered(
    *some: list[Record] | None, most_records: int = 3, most_bytes: int = 100
) -> list[Chunk | None]:
    return list(chunks_of(some, most_records=most_records, most_bytes=most_bytes, now=lambda: 0.0))


def lines(chunks: list[Chunk | None]) -> list[list[int] | None]:
    return [[one.line for one in chunk.good] if chunk else None for chunk in chunks]


@given(
    st.lists(st.integers(0, 120), max_size=30),
    st.lists(st.integers(0, 30), max_size=4),
    st.integers(1, 5),
)
def test_every_record_is_in_one_chunk_and_none_has_room_for_the_next(
    sizes: list[int], cuts: list[int], most_records: int
) -> None:
    records = [record(line, size) for line, size in enumerate(sizes, 1)]
    edges = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    groups = [records[a:b] for a, b in itertools.pairwise(edges)]

    chunks = [chunk for chunk in gathered(*groups, most_records=most_records) if chunk]

    assert [one for chunk in chunks for one in chunk.good] == records
    for chunk, following in itertools.pairwise(chunks):
        size, next_size = sum(len(one.item) for one in chunk.good), len(following.good[0].item)
        assert len(chunk.good) == most_records or size + next_size > 100
    for chunk in chunks:
        assert len(chunk.good) <= most_records
        assert len(chunk.good) == 1 or sum(len(one.item) for one in chunk.good) <= 100


def test_a_chunk_knows_its_lines_and_its_bytes_of_the_input() -> None:
    one, two = gathered([record(2, 1), record(3, 1)], [record(5, 1), record(9, 1)])

    assert one
    assert two
    assert (one.first_line, one.last_line, one.start, one.end) == (1, 5, 0, 50)
    assert (two.first_line, two.last_line, two.start, two.end) == (6, 9, 50, 90)


def test_refused_records_are_apart_and_count() -> None:
    one, two = gathered([record(1, 1), record(2, 1, error="no"), record(3, 1), record(4, 1)])

    assert one
    assert two
    assert lines([one, two]) == [[1, 3], [4]]
    assert [bad.error for bad in one.bad] == ["no"]


def test_a_pause_sends_what_is_there() -> None:
    chunks = gathered([record(1, 1)], None, None, [record(2, 1)])

    assert lines(chunks) == [[1], None, None, [2]]


def test_a_record_does_not_wait_longer_than_a_second_for_others() -> None:
    clock = iter([0.0, 0.5, 1.2, 2.0, 2.1])
    groups = [[record(line, 1)] for line in (1, 2, 3)]

    chunks = list(chunks_of(groups, most_records=10, most_bytes=100, now=lambda: next(clock)))

    assert lines(chunks) == [[1, 2], [3]]

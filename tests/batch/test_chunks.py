"""Records are grouped into requests."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.batch.chunks import Chunk, chunks_of
from qstash_cli.batch.items import Record, RecordGroup
from qstash_cli.batch.lines import Lines, Row
from qstash_cli.batch.rows import pieces_of, rows_in


def record(line: int, size: int, *, error: str = "") -> Record:
    row = Row(line, line, 10 * line, b"")
    return Record(row, line, error=error) if error else Record(row, line, b"x" * size)


def group_of(records: list[Record]) -> RecordGroup:
    """Returns records on lines of ten bytes."""
    first, last = (records[0].line, records[-1].line) if records else (1, 0)
    data = (b"." * 9 + b"\n") * (last - first + 1)
    return RecordGroup([Lines(first, 10 * (first - 1), data)] if records else [], records)


def gathered(
    *some: list[Record] | None, max_records: int = 3, max_bytes: int = 100
) -> list[Chunk | None]:
    groups = [None if records is None else group_of(records) for records in some]
    return list(chunks_of(groups, max_records=max_records, max_bytes=max_bytes, now=lambda: 0.0))


def lines(chunks: list[Chunk | None]) -> list[list[int] | None]:
    return [[one.line for one in chunk.good] if chunk else None for chunk in chunks]


@given(
    st.lists(st.integers(0, 120), max_size=30),
    st.lists(st.integers(0, 30), max_size=4),
    st.integers(1, 5),
)
def test_every_record_is_in_one_chunk_and_chunks_are_full(
    sizes: list[int], cuts: list[int], max_records: int
) -> None:
    records = [record(line, size) for line, size in enumerate(sizes, 1)]
    edges = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    groups = [records[a:b] for a, b in itertools.pairwise(edges)]

    chunks = [chunk for chunk in gathered(*groups, max_records=max_records) if chunk]

    assert [one for chunk in chunks for one in chunk.good] == records
    for chunk, following in itertools.pairwise(chunks):
        size, next_size = sum(len(one.item) for one in chunk.good), len(following.good[0].item)
        assert len(chunk.good) == max_records or size + next_size > 100
    for chunk in chunks:
        assert len(chunk.good) <= max_records
        assert len(chunk.good) == 1 or sum(len(one.item) for one in chunk.good) <= 100


@given(
    st.lists(st.sampled_from([b"{}", b"", b"{", b" ", b'{"a":1}\r']), min_size=1, max_size=30),
    st.lists(st.integers(0, 120), max_size=4),
    st.integers(1, 5),
)
def test_chunks_contain_each_line_once_and_in_order(
    texts: list[bytes], cuts: list[int], max_records: int
) -> None:
    content = b"\n".join(texts)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    blocks = [content[a:b] for a, b in itertools.pairwise(edges)]
    groups = (
        RecordGroup(piece.lines, [Record(row, row.line, b"x") for row in rows_in(piece)])
        for piece in pieces_of("jsonl", blocks)
        if piece
    )

    chunks = list(chunks_of(groups, max_records=max_records, max_bytes=100, now=lambda: 0.0))

    found = [one for chunk in chunks if chunk for lines in chunk.lines for one in lines.rows()]
    numbers = [row.line for row in found]
    last = max((n for n, text in enumerate(texts, 1) if text.strip()), default=0)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= last
    assert [row.text for row in found] == [t.removesuffix(b"\r") for t in texts[: len(numbers)]]
    for chunk in chunks:
        assert chunk
        lines = {row.line for part in chunk.lines for row in part.rows()}
        assert {one.line for one in chunk.good} <= lines


def test_lines_without_records_do_not_accumulate() -> None:
    blank = RecordGroup([Lines(1, 0, b"\n" * 3_000_000)], [])
    more = RecordGroup([Lines(3_000_001, 3_000_000, b"\n" * 3_000_000)], [])

    (chunk,) = chunks_of([blank, more], max_records=3, max_bytes=100, now=lambda: 0.0)

    assert chunk is not None
    assert (len(chunk), chunk.input_bytes) == (0, 6_000_000)


def test_refused_records_are_separate_and_counted() -> None:
    one, two = gathered([record(1, 1), record(2, 1, error="no"), record(3, 1), record(4, 1)])

    assert one
    assert two
    assert lines([one, two]) == [[1, 3], [4]]
    assert [bad.error for bad in one.bad] == ["no"]


def test_a_pause_sends_the_pending_records() -> None:
    chunks = gathered([record(1, 1)], None, None, [record(2, 1)])

    assert lines(chunks) == [[1], None, None, [2]]


def test_a_record_does_not_wait_longer_than_a_second_for_others() -> None:
    clock = iter([0.0, 0.5, 1.2, 2.0, 2.1])
    groups = [group_of([record(line, 1)]) for line in (1, 2, 3)]

    chunks = list(chunks_of(groups, max_records=10, max_bytes=100, now=lambda: next(clock)))

    assert lines(chunks) == [[1, 2], [3]]

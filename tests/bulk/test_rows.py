"""Rows of JSONL, CSV and plain lines, however the input is cut into blocks."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.bulk import rows
from qstash_cli.bulk.rows import FileFormat, Row, pieces_of, rows_in


def read(file_format: FileFormat, *blocks: bytes | None) -> list[Row]:
    return [row for piece in pieces_of(file_format, blocks) if piece for row in rows_in(piece)]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_blocks_do_not_matter(content: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    blocks = [content[a:b] for a, b in itertools.pairwise(edges)]

    assert read("lines", *blocks) == read("lines", content)


@given(st.binary(max_size=200))
def test_every_byte_is_counted_and_every_line_numbered(content: bytes) -> None:
    found = read("lines", content)

    lines = content.split(b"\n")
    assert [row.line for row in found] == [
        number
        for number, line in enumerate(lines, 1)
        if (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
    ]
    ends = [end + 1 for end, byte in enumerate(content) if byte == ord("\n")]
    assert [row.end for row in found] == [[*ends, len(content)][row.line - 1] for row in found]


def test_a_pause_of_the_stream_is_passed_on() -> None:
    found = list(pieces_of("jsonl", [b'{"a":1}\n{"b"', None, b":2}\n"]))

    texts = [None if piece is None else [row.text for row in rows_in(piece)] for piece in found]
    assert texts == [[b'{"a":1}'], None, [b'{"b":2}']]


def test_a_mark_of_byte_order_and_carriage_returns_are_no_part_of_a_line() -> None:
    assert [row.text for row in read("lines", b"\xef\xbb\xbfone\r\ntwo\r\n")] == [b"one", b"two"]


def test_a_line_without_end_is_told_and_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_BYTES", 1000)
    long = [b"x" * 700] * 5

    first, second = read("jsonl", b"", *long, b"\n{}\n")

    assert first.error == "the line is too long: 3501 bytes"
    assert len(first.text) == 200
    assert (second.line, second.text, second.error) == (2, b"{}", "")
    assert (first.end, second.end) == (3501, 3504)


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)


@given(st.lists(st.tuples(_CELLS, _CELLS.map(lambda text: text + "x")), min_size=1, max_size=6))
def test_csv_reads_what_csv_writes(values: list[tuple[str, str]]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([("a", "b"), *values])
    content = written.getvalue().encode()

    found = read("csv", content)

    assert [tuple((row.fields or {}).values()) for row in found] == values
    assert found[-1].last_line == content.count(b"\n")
    assert found[-1].end == len(content)


@given(st.lists(st.integers(0, 60), max_size=6))
def test_csv_is_the_same_however_often_it_pauses(cuts: list[int]) -> None:
    content = b'a,b\n1,"x\n\ny"\n2\n\n3,"q"r\n4,"z""\n5'
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    blocks = [block for a, b in itertools.pairwise(edges) for block in (content[a:b], None)]

    assert read("csv", *blocks) == read("csv", content)


def test_a_pause_of_csv_is_passed_on_between_rows_alone() -> None:
    found = list(pieces_of("csv", [b"a,b\n1,2\n", None, b'3,"x\n', None, b'y"\n', None]))

    lines = [None if piece is None else [row.line for row in rows_in(piece)] for piece in found]
    assert [one for one in lines if one != []] == [[2], None, [3], None]


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_row_of_csv_is_there_as_soon_as_its_line_is(cut: int) -> None:
    content = b"a,b\n1,2\n3,4\n"
    seen: list[int] = []

    def blocks() -> Iterator[bytes]:
        yield content[:cut]
        seen.append(number)
        yield content[cut:]

    number = 0
    for piece in pieces_of("csv", blocks()):
        number += len(rows_in(piece)) if piece else 0

    assert seen == [max(content[:cut].count(b"\n") - 1, 0)]


def test_a_csv_row_of_another_length_or_with_a_stray_quote_is_told_and_passed_by() -> None:
    found = read("csv", b'id,name\n1,ada\n2\n3,"x"y\n4,grace\n')

    assert [(row.line, row.error) for row in found] == [
        (2, ""),
        (3, "the row has 1 fields where the header has 2"),
        (4, "not CSV: ',' expected after '\"'"),
        (5, ""),
    ]

"""Rows of JSONL, CSV and plain lines, however the input is split into blocks."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.batch import csv_rows, lines
from qstash_cli.batch.items import record_of
from qstash_cli.batch.lines import Row
from qstash_cli.batch.recipe import Recipe
from qstash_cli.batch.rows import FileFormat, pieces_of, rows_in
from qstash_cli.errors import BadInput


def read(file_format: FileFormat, *blocks: bytes | None) -> list[Row]:
    return [row for piece in pieces_of(file_format, blocks) if piece for row in rows_in(piece)]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_rows_do_not_depend_on_blocks(content: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    blocks = [content[a:b] for a, b in itertools.pairwise(edges)]

    assert read("lines", *blocks) == read("lines", content)


@given(st.binary(max_size=200))
def test_every_byte_is_counted_and_every_line_numbered(content: bytes) -> None:
    found = read("lines", content)

    assert [row.line for row in found] == [
        number
        for number, line in enumerate(content.split(b"\n"), 1)
        if (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
    ]
    ends = [end + 1 for end, byte in enumerate(content) if byte == ord("\n")]
    assert [row.end for row in found] == [[*ends, len(content)][row.line - 1] for row in found]


def test_a_pause_in_the_stream_is_passed_on() -> None:
    found = list(pieces_of("jsonl", [b'{"a":1}\n{"b"', None, b":2}\n"]))

    texts = [None if piece is None else [row.text for row in rows_in(piece)] for piece in found]
    assert texts == [[b'{"a":1}'], None, [b'{"b":2}']]


def test_byte_order_marks_and_carriage_returns_are_not_part_of_a_line() -> None:
    assert [row.text for row in read("lines", b"\xef\xbb\xbfone\r\ntwo\r\n")] == [b"one", b"two"]


def test_a_line_that_is_too_long_is_refused_and_the_next_one_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
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
def test_csv_rows_do_not_depend_on_pauses(cuts: list[int]) -> None:
    content = b'a,b\n1,"x\n\ny"\n2\n\n3,"q"r\n4,"z""\n5'
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    blocks = [block for a, b in itertools.pairwise(edges) for block in (content[a:b], None)]

    assert read("csv", *blocks) == read("csv", content)


def test_a_pause_in_csv_is_passed_on_only_between_rows() -> None:
    found = list(pieces_of("csv", [b"a,b\n1,2\n", None, b'3,"x\n', None, b'y"\n', None]))

    rows = [None if piece is None else [row.line for row in rows_in(piece)] for piece in found]
    assert [one for one in rows if one != []] == [[2], None, [3], None]


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_csv_row_is_available_as_soon_as_its_line_is(cut: int) -> None:
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


def test_a_csv_row_of_another_length_or_with_a_stray_quote_is_refused() -> None:
    found = read("csv", b'id,name\n1,ada\n2\n3,"x"y\n4,grace\n')

    assert [(row.line, row.error) for row in found] == [
        (2, ""),
        (3, "the row has 1 fields, but the header has 2"),
        (4, "not valid CSV: ',' expected after '\"'"),
        (5, ""),
    ]


# Invalid rows, with the reported reason.
BAD_ROWS = {
    b"3,\xff": "not UTF-8 at byte 2",
    b'3,"a\n\xe9"': "not UTF-8 at byte 0 of line 4",
    b"\xc3,\xc3": "not UTF-8 at byte 0",
    b'3,"\xed\xa0\x80"': "not UTF-8 at byte 3",
    b'3,"\xff" x': "not UTF-8 at byte 3",
    b"3": "the row has 1 fields, but the header has 2",
    b'3,"a"b': "not valid CSV: ',' expected after '\"'",
    b"3,a\rb": "not valid CSV: new-line character seen in unquoted field",
    b"3," + b"x" * 2000: "the line is too long: 2003 bytes",
    b'3,"'
    + b"x" * 900
    + b"\n"
    + b"x" * 900
    + b'"': "not valid CSV: field larger than field limit (1000)",
}


@pytest.mark.parametrize("bad", BAD_ROWS)
@pytest.mark.parametrize("block_bytes", [7, 64, 512])
def test_an_invalid_csv_row_is_refused_with_its_line_and_the_others_are_read(
    monkeypatch: pytest.MonkeyPatch, bad: bytes, block_bytes: int
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(csv_rows, "MAX_LINE_BYTES", 1000)
    content = b"id,name\n1,ada\n" + bad + b"\n4,\xc3\xbc\n5,e\n"
    blocks = [content[at : at + block_bytes] for at in range(0, len(content), block_bytes)]

    first, wrong, *_, fourth, fifth = read("csv", *blocks)

    assert (wrong.line, wrong.fields) == (3, None)
    assert wrong.error.startswith(BAD_ROWS[bad])
    assert (first.fields, first.error) == ({"id": "1", "name": "ada"}, "")
    assert fourth.fields == {"id": "4", "name": "ü"}
    assert (fifth.fields, fifth.end) == ({"id": "5", "name": "e"}, len(content))


def test_a_refused_csv_row_is_kept_unchanged() -> None:
    _, wrong = read("csv", b'id,name\n1,a\n2,"b\n3,c\n4,\xff\n')

    assert (wrong.line, wrong.last_line) == (3, 5)
    assert wrong.text == b'2,"b\n3,c\n4,\xff'
    assert wrong.error == "not UTF-8 at byte 2 of line 5"


def test_an_unclosed_quote_at_the_end_of_csv_is_refused() -> None:
    first, wrong = read("csv", b'id,name\n1,a\n2,"b')

    assert first.error == ""
    assert (wrong.line, wrong.error, wrong.text) == (
        3,
        "not valid CSV: unexpected end of data",
        b'2,"b',
    )


def test_nul_bytes_of_csv_are_part_of_a_field() -> None:
    (row,) = read("csv", b"id,name\n1,a\x00b\n")

    assert row.fields == {"id": "1", "name": "a\0b"}


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (b"id,\xff\n", "line 1: .* not UTF-8 at byte 3"),
        (b'\n"id"x,name\n', "line 2: .* not valid CSV"),
        (b'id,"name\n1,a\n', "line 1: .* unexpected end of data"),
    ],
)
def test_a_csv_without_a_readable_header_is_refused(header: bytes, error: str) -> None:
    with pytest.raises(BadInput, match=error):
        read("csv", header + b"1,a\n")


def test_blank_lines_may_precede_the_header_of_csv() -> None:
    (row,) = read("csv", b"\n\nid,name\n1,a\n")

    assert (row.line, row.fields) == (4, {"id": "1", "name": "a"})


@given(
    st.lists(
        st.binary(max_size=30) | st.sampled_from([b'1,"', b"1,a", b"1,\xed\xb2\x80"]), max_size=8
    )
)
def test_any_csv_bytes_become_records_or_errors(texts: list[bytes]) -> None:
    recipe = Recipe(
        file_format="csv", job="batch_1", validate=lambda to, *_: to,
        validate_body=lambda _size: None,
        to="https://example.com",
    )  # fmt: skip
    content = b"id,name\n" + b"\n".join(texts)

    records = [record_of(row, recipe) for row in read("csv", content)]

    assert all(bool(record.item) != bool(record.error) for record in records)
    assert all(json.loads(record.item) for record in records if record.item)


@given(st.binary(max_size=200), st.sampled_from(["jsonl", "csv", "lines"]))
def test_pieces_have_every_line_once(content: bytes, file_format: FileFormat) -> None:
    header = b"id,name\n"
    pieces = [piece for piece in pieces_of(file_format, [header + content]) if piece]

    found = b"".join(part.data for piece in pieces for part in piece.lines)
    assert found == header + content

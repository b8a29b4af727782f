"""The short way from lines to their items, held against the long one."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.bulk.filling import records_of
from qstash_cli.bulk.items import Recipe, Record, record_of
from qstash_cli.bulk.rows import pieces_of, rows_in
from qstash_cli.errors import BadInput

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
LINES = st.one_of(
    st.builds(lambda value: json.dumps(value).encode(), VALUES),
    st.builds(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="replace"), VALUES),
    st.binary(),
    st.sampled_from(
        [b"null", b' {"a":\t1}\r', b"{} {}", b"NaN", b'"\\u0000"', b'"\x7f"', b"[" * 5000,
         b'{"a": "\\\\\\""}', b"\xff", b'"\t"', b"1 ", b'"\xc3\xa9"']
    ),
)  # fmt: skip


def recipe(*, to: str = "https://example.com/hook", most_bytes: int = 1000) -> Recipe:
    def check_destination(destination: str, *_: object) -> str:
        if "://" not in destination:
            raise BadInput(f"not a URL: {destination}")
        return destination

    def check_body(body_bytes: int) -> None:
        if body_bytes > most_bytes:
            raise BadInput(f"the body is too large: {body_bytes} bytes")

    return Recipe(
        file_format="jsonl", job="batch_1", check=check_destination, check_body=check_body, to=to
    )


def of(*blocks: bytes | None, by: Recipe | None = None) -> list[Record]:
    some = records_of(pieces_of("jsonl", blocks), by or recipe())
    return [record for group in some if group for record in group.records]


def plainly(records: list[Record]) -> list[tuple[object, ...]]:
    return [(one.row, one.item, one.destination, one.error) for one in records]


def the_long_way(*blocks: bytes | None) -> list[Record]:
    pieces = [piece for piece in pieces_of("jsonl", blocks) if piece]
    return [record_of(row, recipe()) for piece in pieces for row in rows_in(piece)]


@given(lines=st.lists(LINES, max_size=5), cuts=st.lists(st.integers(0, 200), max_size=3))
def test_the_short_way_makes_what_the_long_one_makes(lines: list[bytes], cuts: list[int]) -> None:
    content = b"\n".join(lines)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    blocks = [content[a:b] for a, b in itertools.pairwise(edges)]

    assert plainly(of(*blocks)) == plainly(the_long_way(content))


@given(lines=st.lists(st.builds(lambda value: json.dumps(value).encode(), VALUES), max_size=5))
def test_it_does_so_where_every_line_is_right(lines: list[bytes]) -> None:
    content = b"".join(line + b"\n" for line in lines)

    assert plainly(of(content)) == plainly(the_long_way(content))


@pytest.mark.parametrize(
    "content",
    [
        b'[1\n,2]\n{"a":\n1}\n1,2\n',
        b'"a\n"b",1\n',
        b"1\n\n2\n",
        b"1\nnull\n2\n",
        b"1\r\n2\r\n",
        b"1\r\r\n2\n3\r",
    ],
    ids=[
        "values over lines",
        "a string over lines",
        "a blank line",
        "null",
        "carriage returns",
        "some of them",
    ],
)
def test_each_line_is_judged_by_itself(content: bytes) -> None:
    assert plainly(of(content)) == plainly(the_long_way(content))


def test_a_body_is_what_the_line_said_byte_for_byte() -> None:
    line = '{"a" : "\\"é\\\\ \\u00e9" }'.encode()

    *_, record = of(b"1\n" * 6, line)

    item = json.loads(record.item)
    assert item["body"].encode() == line
    assert item["headers"]["Upstash-Deduplication-Id"] == "batch_1-7"


def test_a_pause_stays_one() -> None:
    assert list(records_of([None], recipe())) == [None]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"{", "not JSON: Expecting property name enclosed in double quotes at column 2"),
        (b'"' + b"x" * 200 + b'"', "the body is too large: 202 bytes"),
    ],
)
def test_what_is_wrong_is_told_as_it_always_is(line: bytes, error: str) -> None:
    before, wrong, after = of(b"1\n" + line + b"\n2\n", by=recipe(most_bytes=100))

    assert (before.error, wrong.error, after.error) == ("", error, "")


def test_a_destination_that_cannot_be_is_told_of_each_row() -> None:
    (record,) = of(b"{}", by=recipe(to="nowhere"))

    assert record.error == "not a URL: nowhere"

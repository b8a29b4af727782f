"""The short way from a row to its item, held against the long one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.bulk.filling import records_of
from qstash_cli.bulk.items import Recipe, record_of
from qstash_cli.bulk.rows import Row, rows_of
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


def recipe(*, to: str = "https://example.com/hook") -> Recipe:
    def check_destination(destination: str, *_: object) -> str:
        if "://" not in destination:
            raise BadInput(f"not a URL: {destination}")
        return destination

    def check_body(body_bytes: int) -> None:
        if body_bytes > 100:
            raise BadInput(f"the body is too large: {body_bytes} bytes")

    return Recipe(
        file_format="jsonl", job="batch_1", check=check_destination, check_body=check_body, to=to
    )


@given(lines=st.lists(LINES, max_size=5))
def test_the_short_way_makes_what_the_long_one_makes(lines: list[bytes]) -> None:
    rows = list(rows_of("jsonl", [b"\n".join(lines)]))

    short = list(records_of(rows, recipe()))

    assert short == [row and record_of(row, recipe()) for row in rows]


def test_a_body_is_what_the_line_said_byte_for_byte() -> None:
    line = '{"a" : "\\"é\\\\ \\u00e9" }'.encode()

    (record,) = records_of([Row(7, 7, len(line) + 1, line)], recipe())

    assert record is not None
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
    (record,) = records_of([Row(1, 1, 1, line)], recipe())

    assert record is not None
    assert record.error == error


def test_a_destination_that_cannot_be_is_told_of_each_row() -> None:
    (record,) = records_of([Row(1, 1, 1, b"{}")], recipe(to="nowhere"))

    assert record is not None
    assert record.error == "not a URL: nowhere"

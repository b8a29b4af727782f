"""JSONL lines become items: valid ones byte for byte, others with the reason."""

from __future__ import annotations

import itertools
import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstash_cli.batch.items import Record, records_of
from qstash_cli.batch.recipe import Recipe
from qstash_cli.batch.rows import pieces_of
from qstash_cli.errors import BadInput

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
LINES = st.one_of(
    st.builds(lambda value: json.dumps(value).encode(), VALUES),
    st.builds(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="replace"), VALUES),
    st.binary(),
    st.sampled_from(
        [b"null", b' {"a":\t1}\r', b"{} {}", b"NaN", b'"\\u0000"', b'"\x7f"', b"[" * 5000,
         b'{"a": "\\\\\\""}', b"\xff", b'"\t"', b"1 ", b'"\xc3\xa9"', b'"\\ud800"', b"1e999",
         b"9" * 100, b'{"a": 1, "a": 2}']
    ),
)  # fmt: skip

TO = "https://example.com/hook"
BOM = b"\xef\xbb\xbf"


def recipe(*, to: str | None = TO, max_bytes: int = 1000) -> Recipe:
    def validate_destination(destination: str, *_: object) -> str:
        if "://" not in destination:
            raise BadInput(f"not a URL: {destination}")
        return destination

    def validate_body(body_bytes: int) -> None:
        if body_bytes > max_bytes:
            raise BadInput(f"the body is too large: {body_bytes} bytes")

    return Recipe(
        file_format="jsonl",
        job="batch_1",
        validate=validate_destination,
        validate_body=validate_body,
        to=to,
    )


def of(*blocks: bytes | None, by: Recipe | None = None) -> list[Record]:
    some = records_of(pieces_of("jsonl", blocks), by or recipe())
    return [record for group in some if group for record in group.records]


def summary(records: list[Record]) -> list[tuple[int, bytes, bool]]:
    return [(one.line, one.item, bool(one.error)) for one in records]


def by_the_standard_library(content: bytes) -> list[tuple[int, bytes, bool]]:
    """Returns the number, item and error of each line that is not blank."""
    expected = []
    for line, raw in enumerate(content.removeprefix(BOM).split(b"\n"), 1):
        text = raw.removesuffix(b"\r")
        if text.strip():
            item = item_by_the_standard_library(line, text)
            expected.append((line, item, not item))
    return expected


def item_by_the_standard_library(line: int, text: bytes) -> bytes:
    try:
        value = json.loads(text.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return b""
    headers = {} if value is None else {"Content-Type": "application/json"}
    item = {
        "destination": TO,
        "headers": headers | {"Upstash-Deduplication-Id": f"batch_1-{line}"},
        "body": text.decode(),
    }
    return compact_json(item).encode()


def compact_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _refuse(name: str) -> None:
    raise ValueError(name)


# The first example imports msgspec.
@settings(deadline=None)
@given(lines=st.lists(LINES, max_size=5), cuts=st.lists(st.integers(0, 200), max_size=3))
def test_items_equal_those_of_the_standard_library(lines: list[bytes], cuts: list[int]) -> None:
    content = b"\n".join(lines)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    blocks = [content[a:b] for a, b in itertools.pairwise(edges)]

    assert summary(of(*blocks, by=recipe(max_bytes=sys.maxsize))) == by_the_standard_library(
        content
    )


OWN_ITEMS = st.builds(
    lambda body, note: json.dumps({"destination": TO, "headers": {"X-Note": note}, "body": body}),
    VALUES,
    st.text(),
)


@settings(deadline=None)
@given(OWN_ITEMS)
def test_a_whole_item_equals_that_of_the_standard_library(text: str) -> None:
    (record,) = of(text.encode(), by=recipe(to=None, max_bytes=sys.maxsize))

    assert record.item == own_item_by_the_standard_library(text)
    assert bool(record.error) != bool(record.item)


def own_item_by_the_standard_library(text: str) -> bytes:
    try:
        given = json.loads(text, parse_constant=_refuse)
    except ValueError:
        return b""
    body, headers = given["body"], given["headers"]
    if not isinstance(body, str | None):
        headers, body = headers | {"Content-Type": "application/json"}, compact_json(body)
    headers |= {"Upstash-Deduplication-Id": "batch_1-1"}
    item = {"destination": TO, "headers": headers} | ({"body": body} if body else {})
    try:
        return compact_json(item).encode()
    except UnicodeEncodeError:
        return b""


def test_integers_of_any_size_and_floats_keep_their_digits_in_a_body() -> None:
    line = b'{"destination": "https://example.com/hook", "body": [123456789012345678901, 1e16]}'

    (record,) = of(line, by=recipe(to=None))

    assert json.loads(record.item)["body"] == "[123456789012345678901,1e+16]"


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
def test_each_line_is_validated_separately(content: bytes) -> None:
    assert summary(of(content)) == by_the_standard_library(content)


def test_a_body_is_the_line_byte_for_byte() -> None:
    line = '{"a" : "\\"é\\\\ \\u00e9" }'.encode()

    *_, record = of(b"1\n" * 6, line)

    item = json.loads(record.item)
    assert item["body"].encode() == line
    assert item["headers"]["Upstash-Deduplication-Id"] == "batch_1-7"


def test_a_pause_in_the_input_is_passed_on() -> None:
    assert list(records_of([None], recipe())) == [None]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"{", "not JSON: Expecting property name enclosed in double quotes at column 2"),
        (b'"' + b"x" * 200 + b'"', "the body is too large: 202 bytes"),
    ],
)
def test_an_invalid_line_among_valid_ones_is_refused_with_the_reason(
    line: bytes, error: str
) -> None:
    before, wrong, after = of(b"1\n" + line + b"\n2\n", by=recipe(max_bytes=100))

    assert (before.error, wrong.error, after.error) == ("", error, "")


def test_every_row_is_refused_if_the_destination_is_invalid() -> None:
    (record,) = of(b"{}", by=recipe(to="nowhere"))

    assert record.error == "not a URL: nowhere"

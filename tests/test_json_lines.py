"""`line_parser` returns the same values and errors as `json`, whichever library parses a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstash_cli.json_lines import line_parser

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
BLANKS = st.sampled_from(["", " ", "\n", "\t\r\n"])
NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,4})?", fullmatch=True
)
STRINGS = st.from_regex(
    r'"([ -!#-\[\]-~\u00e9\u2028]|\\(["\\/bfnrt]|u([dD][89a-fA-F])?[0-9a-fA-F]{2,4})){0,8}"',
    fullmatch=True,
)
PAIRS = st.lists(st.tuples(st.sampled_from(['"a"', '"b"', '"\\u0061"']), NUMBERS | STRINGS))
OBJECTS = PAIRS.map(lambda pairs: "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}")
FRAGMENTS = st.text(st.sampled_from('[]{}",:0123456789.eE+-\\ntrufalsNI \n\ufeff'), max_size=12)
TEXTS = st.one_of(
    st.builds(lambda a, value, b: f"{a}{json.dumps(value)}{b}", BLANKS, VALUES, BLANKS),
    NUMBERS,
    STRINGS,
    OBJECTS,
    FRAGMENTS,
    st.text(),
)
parse = line_parser(json.loads)


@settings(deadline=None)
@given(TEXTS)
def test_text_parses_as_in_the_standard_library(text: str) -> None:
    line = text.encode(errors="replace")

    assert _outcome(parse, line) == _outcome(json.loads, line)


@settings(deadline=None)
@given(VALUES, st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-32", "latin-1"]))
def test_text_in_any_encoding_parses_as_in_the_standard_library(
    value: object, encoding: str
) -> None:
    line = json.dumps(value, ensure_ascii=False).encode(encoding, errors="replace")

    assert _outcome(parse, line) == _outcome(json.loads, line)


@settings(deadline=None)
@given(st.binary())
def test_arbitrary_bytes_parse_as_in_the_standard_library(line: bytes) -> None:
    assert _outcome(parse, line) == _outcome(json.loads, line)


@pytest.mark.parametrize(
    "text",
    [
        "123456789012345678901234567890",
        "-9223372036854775809",
        "1" * 5000,
        "-0",
        "1e999",
        '"\\ud800"',
        '{"\\udfff": 1}',
        "NaN",
        "-Infinity",
        '{"a": 1, "b": 2, "a": 3}',
        "[" * 500 + "]" * 500,
        "[" * 100_000 + "]" * 100_000,
    ],
    ids=lambda text: text[:30],
)
def test_unusual_text_parses_as_in_the_standard_library(text: str) -> None:
    line = text.encode()

    assert _outcome(parse, line) == _outcome(json.loads, line)


def _outcome(read: Callable[[bytes], Any], line: bytes) -> str:
    try:
        return repr(read(line))
    except (ValueError, RecursionError) as fault:
        return f"{type(fault).__name__}: {fault}"

"""The quick reading of JSON is the slow one's, mistakes too."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.quick_json import loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(VALUES, st.sampled_from(["", " ", "\n", "\t\r\n"]), st.sampled_from(["", " ", "\n "]))
def test_values_are_read_whatever_is_around_them(value: object, before: str, after: str) -> None:
    assert loads(f"{before}{json.dumps(value)}{after}") == value


@given(st.text(st.sampled_from('[]{}",:0123456789.eE+-\\ntrufalsNI \n\ufeff'), max_size=12))
def test_texts_are_refused_that_json_refuses(text: str) -> None:
    assert _outcome(loads, text) == _outcome(json.loads, text)


def _outcome(read: Callable[[str], object], text: str) -> str:
    try:
        return repr(read(text))
    except ValueError as fault:
        return str(fault)

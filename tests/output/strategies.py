"""Strategies of values that QStash may respond with."""

from __future__ import annotations

from hypothesis import strategies as st

# Characters that parsers treat specially, that control terminals, and that no stream can encode.
_AWKWARD = (
    " \n\t\r:#-'\"\\|>&*!%@`,[]{}?=<~.e_+01ab\x1b\x85\u2028\u202e\ufeff\u200b\ud800\U000e0041😀"
)
_TEXT = st.text() | st.text(st.sampled_from(_AWKWARD)) | st.text(st.sampled_from(" \nab"))
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
)
JSON_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=10,
)

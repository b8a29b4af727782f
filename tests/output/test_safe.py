"""Untrusted text is escaped."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.output.safe import UNSAFE, encodable, safe_bytes, safe_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain — ünï ✓ 日本", "plain — ünï ✓ 日本"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\tb\r\n\0", r"a\tb\r\n\x00"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("\u202eevil\u2069", r"\u202eevil\u2069"),
        ("\u200b\u2028\ufeff", r"\u200b\u2028\ufeff"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_line_feeds_and_tabs_can_be_kept() -> None:
    assert safe_text("a\n\tb\r\x1b", keep_newlines=True) == "a\n\tb\\r\\x1b"


def test_bytes_that_are_not_utf_8_are_escaped() -> None:
    assert safe_bytes(b"ok \xff\x00 \xc3\xbc") == r"ok \xff\x00 ü"


def test_only_unpaired_surrogates_cannot_be_encoded() -> None:
    assert encodable("ü\x1b\udc80") == "ü\x1b\\udc80"


@given(st.text(st.characters(exclude_categories=())))
def test_safe_text_is_encodable_and_escaping_it_again_changes_nothing(text: str) -> None:
    safe = safe_text(text)

    assert not re.search(UNSAFE, safe)
    assert safe_text(safe) == safe == safe.encode().decode()

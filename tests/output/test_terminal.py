"""The width of the terminal."""

from __future__ import annotations

import pytest

from qstash_cli.output.terminal import columns_of


@pytest.mark.parametrize(
    ("given", "columns"),
    [("120", 120), ("", 80), ("0", 80), ("-5", 80), ("²", 80), ("wide", 80), ("9" * 5_000, 80)],
)
def test_columns_sets_the_width_if_it_is_a_valid_number(given: str, columns: int) -> None:
    assert columns_of(given, None) == columns

"""The text of a meter."""

from __future__ import annotations

import pytest

from qstash_cli.output.meter import Measured


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (Measured(), "waiting for the first records"),
        (Measured(parts=0, total_parts=900), "waiting for the first records"),
        (Measured(total=12), "0 of 12 records, 0/s"),
        (Measured(done=100), "100 records, 10/s"),
        (Measured(done=5, total=10), "5 of 10 records, 0/s, 50%, 10s left"),
    ],
)
def test_the_text_counts_only_what_was_done(measured: Measured, text: str) -> None:
    assert measured.text("records", passed_s=10) == text

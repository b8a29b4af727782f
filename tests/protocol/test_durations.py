"""Durations and points in time: parsing and formatting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import format_duration, parse_duration_s
from qstash_cli.protocol.instants import parse_instant_s, parse_past_instant_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("50s", 50), ("1d10h30m", 124_200), ("1h30m3s", 5403), ("90", 90), ("0s", 0), (" 2m ", 120)],
)
def test_durations_in_qstash_notation_are_parsed(text: str, seconds: int) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "1.5h", "-1s", "1w", "1h 30m", "٣s", "9" * 13 + "s"])
def test_an_invalid_duration_is_refused(text: str) -> None:

    with pytest.raises(BadInput, match="not a duration"):
        parse_duration_s(text)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_formatted_duration_parses_to_the_same_value(seconds: int) -> None:
    assert parse_duration_s(format_duration(seconds)) == seconds


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", NOW),
        ("in 10m", NOW + 600),
        ("2h ago", NOW - 7200),
        ("1700000001", 1_700_000_001),
        ("1700000001500", 1_700_000_001.5),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14T22:13:20", NOW),
    ],
)
def test_points_in_time_are_parsed_in_every_format(text: str, at: float) -> None:
    assert parse_instant_s(text, NOW) == at


def test_a_bare_duration_counts_back_from_now_for_past_times() -> None:
    assert parse_past_instant_s("2h", NOW) == NOW - 7200


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2023-13-01", "in a while", "9" * 20, "9" * 400, "9" * 5_000]
)
def test_an_invalid_point_in_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_instant_s(text, NOW)

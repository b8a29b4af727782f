"""Times and durations for people."""

from datetime import UTC, timedelta, timezone

import pytest

from qstash_cli.output.values import local_time, readable_span, relative_time, span

NOW = 1_795_525_689.0


def test_a_time_is_in_the_requested_zone() -> None:
    assert local_time(NOW, UTC) == "2026-11-24 13:08:09"
    assert local_time(NOW, timezone(timedelta(hours=5, minutes=30))) == "2026-11-24 18:38:09"


@pytest.mark.parametrize("number", [1e20, -1e20, float("nan"), float("inf")])
def test_a_number_that_is_not_a_time_is_unchanged(number: float) -> None:
    assert local_time(number, UTC) == str(number)


@pytest.mark.parametrize(
    ("distance_s", "said"),
    [
        (0, "now"), (-0.9, "now"), (-1, "1s ago"), (-59, "59s ago"), (-184, "3m ago"),
        (300, "in 5m"), (3600, "in 1h"), (-90_000, "25h ago"), (-172_800, "2d ago"),
    ],
)  # fmt: skip
def test_a_relative_time_has_its_largest_unit(distance_s: float, said: str) -> None:
    assert relative_time(NOW + distance_s, NOW) == said


def test_a_relative_time_of_infinity_is_empty() -> None:
    assert relative_time(float("inf"), NOW) == ""
    assert relative_time(float("nan"), NOW) == ""


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0s"), (5400, "1h30m"), (0.25, "0.25s"), (-60, "-1m"), (2.7, "2s")]
)
def test_a_duration_has_the_format_of_qstash(seconds: float, said: str) -> None:
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"), (0.0354, "35 ms"), (1.26, "1.3 s"), (12.9, "12 s"), (285, "4 min 45 s"),
        (3605, "1 h"), (-180, "3 min"), (93_784, "1 d 2 h"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_a_readable_duration_has_at_most_two_units(seconds: float, written: str) -> None:
    assert readable_span(seconds) == written

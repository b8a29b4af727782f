"""Charts say the same with and without colour, Unicode and room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from qstash_cli.output.charts import (
    Attempt,
    Line,
    calendar,
    sparkline,
    state_bars,
    timeline,
)
from qstash_cli.output.terminal import TerminalInfo
from tests.output.conftest import NOW_MS, TERMINAL

ASCII = TERMINAL._replace(has_blocks=False)
TERMINALS = [
    TERMINAL._replace(width=width, has_blocks=has_blocks)
    for width in (40, 80, 120)
    for has_blocks in (True, False)
]


def text_of(lines: Iterable[Line]) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lines]


DAYS = [datetime(2026, 11, 25, 3) + timedelta(days=n) for n in range(10)]  # noqa: DTZ001 - any zone
CHARTS: dict[str, Callable[[TerminalInfo], Iterable[Line]]] = {
    "states": lambda terminal: state_bars({"DELIVERED": 99_999, "FAILED": 1}, terminal),
    "deliveries": lambda terminal: sparkline(
        [NOW_MS, NOW_MS - 5], NOW_MS - 60_000, NOW_MS, terminal
    ),
    "attempts": lambda terminal: timeline([Attempt(n * 999) for n in range(9)], 5000, terminal),
    "days": lambda terminal: calendar(DAYS, terminal),
    "hours": lambda terminal: calendar([d.replace(hour=h) for d in DAYS for h in (1, 9)], terminal),
}


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("terminal", TERMINALS, ids=lambda t: f"{t.width}-{t.has_blocks}")
def test_charts_have_room_and_characters(name: str, terminal: TerminalInfo) -> None:
    lines = text_of(CHARTS[name](terminal))

    assert lines
    assert all(cell_len(line) <= terminal.width for line in lines)
    if not terminal.has_blocks:
        assert all(line.isascii() for line in lines)


def test_bars_are_proportional_and_a_small_count_is_visible() -> None:
    assert text_of(state_bars({"DELIVERED": 40, "FAILED": 20, "RETRY": 1}, ASCII)) == [
        f"  delivered  40  {'#' * 40}",
        f"  failed     20  {'#' * 20}",
        "  retrying    1  #",
    ]
    assert text_of(state_bars({"DELIVERED": 10_000, "FAILED": 1}, TERMINAL))[1].endswith("1  ▏")


def test_bars_have_the_colours_of_the_states() -> None:
    (line,) = state_bars({"FAILED": 1}, TERMINAL)

    assert [style for _, style in line] == ["red", "", "red"]


def test_a_sparkline_has_its_period_and_its_scale() -> None:
    start = NOW_MS - 60_000
    times = [start] * 8 + [start + 30_000] * 4 + [NOW_MS]

    spark, period, scale = text_of(sparkline(times, start, NOW_MS, TERMINAL._replace(width=12)))

    assert spark == "  █····▄···▁"
    assert period.split() == ["13:07:0913:08:09"]
    assert scale == "  highest: 8 in 6s"
    assert text_of(sparkline(times, start, NOW_MS, ASCII._replace(width=12)))[0] == "  9....5...2"


@given(st.lists(st.integers(-(10**18), 10**18), min_size=1), st.integers(-(10**18), 10**18))
def test_no_time_breaks_a_sparkline(times: list[int], start: int) -> None:
    assert len(text_of(sparkline(times, start, max(times), TERMINAL))) == 3


def test_a_timeline_is_logarithmic_with_labels_below_their_times() -> None:
    attempts = [Attempt(0), Attempt(60), Attempt(3600)]

    line, ticks = text_of(timeline(attempts, None, TERMINAL))

    assert line[2] == line[-1] == "●"
    assert line.count("●") == 3
    assert ticks.index("1m") == line.index("●", 3)
    assert ticks.split() == ["0s", "1s", "10s", "1m", "10m"]


def test_a_timeline_displays_which_attempt_succeeds() -> None:
    attempts = [Attempt(0, succeeds=False), Attempt(12, succeeds=True)]

    (line, _), (plain, _) = (text_of(timeline(attempts, 5, one)) for one in (TERMINAL, ASCII))

    assert line.strip("─ ").replace("─", "") == "✗│✓"
    assert plain.strip("- ").replace("-", "") == "x|v"


def test_days_are_in_a_calendar_of_weeks() -> None:
    assert text_of(calendar(DAYS, TERMINAL)) == [
        "            Mo Tu We Th Fr Sa Su",
        "  Nov        ·  · 25 26 27 28 29",
        "  Nov/Dec   30  1  2  3  4  ·  ·",
    ]


def test_days_of_several_years_have_the_year() -> None:
    leap_days = [datetime(year, 2, 29) for year in (2028, 2032)]  # noqa: DTZ001 - any zone

    assert text_of(calendar(leap_days, ASCII))[1:] == [
        "  Feb 2028   . 29  .  .  .  .  .",
        "  Feb 2032   .  .  .  .  .  . 29",
    ]


def test_several_times_a_day_are_hours() -> None:
    day = datetime(2026, 11, 24)  # noqa: DTZ001 - any zone
    times = [day.replace(hour=9), day.replace(hour=9, minute=30), day.replace(hour=17)]

    assert text_of(calendar(times, TERMINAL)) == [
        "              0     6     12    18",
        "  Tu Nov 24   ·········●·······●······",
    ]


def test_no_times_are_no_calendar() -> None:
    assert text_of(calendar([], TERMINAL)) == []

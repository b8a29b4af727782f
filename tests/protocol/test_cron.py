from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from qstash_cli.errors import BadInput
from qstash_cli.protocol.cron import fires, next_fire_s, parse_cron, per_day, with_zone

BERLIN = ZoneInfo("Europe/Berlin")


def times(cron: str, year: int, month: int, day: int, count: int) -> list[tuple[str, str]]:
    start = datetime(year, month, day, tzinfo=BERLIN).timestamp()
    found = islice(fires(parse_cron(f"CRON_TZ=Europe/Berlin {cron}"), start), count)
    return [(datetime.fromtimestamp(f.at_s, UTC).strftime("%d %H:%M"), f.change) for f in found]


def test_a_daily_time_keeps_its_local_time_all_year() -> None:
    cron = parse_cron("CRON_TZ=Europe/Berlin 0 3 * * *")
    start = datetime(2026, 1, 1, tzinfo=BERLIN).timestamp()

    found = list(islice(fires(cron, start), 365))

    days = [datetime.fromtimestamp(f.at_s, BERLIN) for f in found]
    assert {(d.hour, d.minute) for d in days} == {(3, 0)}
    assert len({d.date() for d in days}) == 365
    assert {d.utcoffset() for d in days} == {d.utcoffset() for d in (days[0], days[180])}
    assert {f.change for f in found} == {""}


def test_a_time_skipped_in_spring_is_moved() -> None:
    assert times("30 2 * * *", 2026, 3, 28, 3) == [
        ("28 01:30", ""), ("29 01:00", "moved"), ("30 00:30", ""),
    ]  # fmt: skip


def test_an_hour_repeated_in_autumn_is_marked() -> None:
    assert times("30 * * * *", 2026, 10, 25, 5)[1:] == [
        ("24 23:30", ""), ("25 00:30", "first of two"), ("25 01:30", "repeated"), ("25 02:30", ""),
    ]  # fmt: skip
    assert times("30 2 * * *", 2026, 10, 24, 3) == [
        ("24 00:30", ""), ("25 00:30", "first of two"), ("26 01:30", ""),
    ]  # fmt: skip


def test_the_next_time_is_after_the_given_one() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()

    assert next_fire_s(parse_cron("0 12 * * *"), noon) == noon + 86_400
    assert next_fire_s(parse_cron("0 12 * * *"), noon - 0.5) == noon
    assert next_fire_s(parse_cron("@hourly"), noon + 1) == noon + 3600


def test_the_average_number_of_runs_a_day() -> None:
    assert per_day(parse_cron("*/15 * * * *")) == 96
    assert per_day(parse_cron("0 3 * * 1")) == 1 / 7
    assert per_day(parse_cron("*/5 9-16 * * MON-FRI")) == pytest.approx(12 * 8 * 5 / 7)
    assert per_day(parse_cron("0 0 29 2 *")) == 7 / 10227
    assert per_day(parse_cron("CRON_TZ=Europe/Berlin @daily")) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("* * * * * *", "five fields"),
        ("", "five fields"),
        ("61 * * * *", "the minute is '61'"),
        ("* 24 * * *", "the hour is '24'"),
        ("* * 32 * *", "the day of the month is '32'"),
        ("* * * JANUARY *", "the month is 'JANUARY'"),
        ("* * * * 9", "the day of the week is '9'"),
        ("0 0 31 2 *", "never fires"),
        ("CRON_TZ=Mars/Base * * * * *", "not a time zone: 'Mars/Base'"),
        ("CRON_TZ=../etc * * * * *", "not a time zone"),
    ],
)
def test_the_error_names_the_invalid_field(text: str, words: str) -> None:
    with pytest.raises(BadInput) as wrong:
        parse_cron(text)

    assert words in wrong.value.message
    assert wrong.value.hint or "never" in words


def test_a_time_zone_is_added_as_a_prefix() -> None:
    assert with_zone(" 0 3 * * * ", None) == "0 3 * * *"
    assert with_zone("0 3 * * *", "Europe/Berlin") == "CRON_TZ=Europe/Berlin 0 3 * * *"
    with pytest.raises(BadInput):
        with_zone("CRON_TZ=UTC 0 3 * * *", "Europe/Berlin")

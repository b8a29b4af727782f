"""Cron expressions, with an optional `CRON_TZ=ZONE ` prefix. Source: QStash docs, "Schedules"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from typing import NamedTuple

from qstash_cli.errors import BadInput

_PREFIXES = ("CRON_TZ=", "TZ=")
# Undocumented, but QStash's syntax is that of a Go library that accepts these descriptors.
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}  # fmt: skip
# Dates fall on the same days of the week again after this period.
_CYCLE_DAYS = 28 * 365 + 7
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")


class Cron(NamedTuple):
    """A validated expression: its time zone and its five fields."""

    zone: str
    fields: str


class Fire(NamedTuple):
    """One run of a schedule, in unix seconds and in the schedule's time zone.

    `change` is the effect of a daylight saving change: moved, first of two, repeated, or empty.
    """

    at_s: int
    local: datetime
    change: str


def with_zone(expression: str, zone: str | None) -> str:
    """Adds a time zone prefix to an expression. Raises `BadInput` if it already has one."""
    if zone is None:
        return expression.strip()
    if expression.strip().startswith(_PREFIXES):
        raise BadInput(f"the expression already has a time zone: {expression}", hint="remove --tz")
    return f"CRON_TZ={zone} {expression.strip()}"


def split_zone(expression: str) -> tuple[str, str]:
    """Returns the time zone of an expression, by default UTC, and the expression without it."""
    rest = expression.strip()
    if not rest.startswith(_PREFIXES):
        return "UTC", rest
    prefix, _, rest = rest.partition(" ")
    return prefix.partition("=")[2], rest


def parse_cron(text: str) -> Cron:
    """Parses an expression such as `0 3 * * *` or `CRON_TZ=Europe/Berlin @daily`.

    Raises `BadInput` naming the invalid field or time zone.
    """
    zone, rest = split_zone(text)
    _validate_zone(zone)
    fields = " ".join(_DESCRIPTORS.get(rest.strip().lower(), rest).split())
    if len(fields.split(" ")) != len(_FIELDS):
        raise BadInput(
            f"a cron expression needs five fields: {text!r}",
            hint="write minute, hour, day of the month, month and day of the week, such as "
            "'0 3 * * 1-5'",
        )
    _validate_fields(fields)
    return Cron(zone=zone, fields=fields)


def next_fire_s(cron: Cron, after_s: float) -> int | None:
    """Returns the first run after `after_s`, both in unix seconds; None if none in 50 years."""
    fire = next(fires(cron, after_s), None)
    return fire.at_s if fire else None


def fires(cron: Cron, after_s: float) -> Iterator[Fire]:
    """Yields the runs after `after_s` (unix seconds), in order."""
    from zoneinfo import ZoneInfo

    from cronsim import CronSim

    zone = ZoneInfo(cron.zone)
    times = CronSim(cron.fields, datetime.fromtimestamp(int(after_s), zone))
    for local in times:
        at_s = int(local.timestamp())
        if at_s > after_s:
            yield Fire(at_s, local, _change(cron, local))


def per_day(cron: Cron) -> float:
    """Returns the average number of runs a day over 28 years, ignoring daylight saving changes."""
    minute, hour, *date = cron.fields.split(" ")
    share_of_days = _count(f"0 0 {' '.join(date)}", _CYCLE_DAYS) if date != ["*"] * 3 else 1
    return _count(f"{minute} {hour} * * *", 1) * share_of_days


@cache
def _count(fields: str, days: int) -> float:
    from cronsim import CronSim

    start = datetime(2025, 1, 1, tzinfo=UTC)
    times = CronSim(fields, start - timedelta(seconds=1))
    return sum(1 for _ in takewhile(lambda at: at < start + timedelta(days=days), times)) / days


def _change(cron: Cron, local: datetime) -> str:
    before, after = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    if before is not None and after is not None and before > after:
        return "repeated" if local.fold else "first of two"
    return "" if _matches(cron, local) else "moved"


def _matches(cron: Cron, local: datetime) -> bool:
    from cronsim import CronSim

    wall = local.replace(tzinfo=UTC, fold=0)
    minute_before = datetime.fromtimestamp(wall.timestamp() - 60, UTC)
    return next(CronSim(cron.fields, minute_before), None) == wall


def _validate_zone(zone: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (KeyError, OSError, ValueError):
        raise BadInput(
            f"not a time zone: {zone!r}", hint="use an IANA name such as Europe/Berlin or UTC"
        ) from None


def _validate_fields(fields: str) -> None:
    from cronsim import CronSim, CronSimError

    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number, (name, field) in enumerate(zip(_FIELDS, fields.split(" "), strict=True)):
        alone = " ".join(field if i == number else "*" for i in range(len(_FIELDS)))
        try:
            CronSim(alone, start)
        # cronsim raises AssertionError or TypeError for inputs such as `1#1/2` and `1L-2`.
        except (CronSimError, AssertionError, ValueError, TypeError):
            raise BadInput(
                f"not a cron expression: the {name} is {field!r}",
                hint="a field contains numbers, names, *, ranges, lists and steps",
            ) from None
    try:
        first = next(CronSim(fields, start), None)
    except (CronSimError, ValueError, TypeError):
        first = None
    if first is None:
        raise BadInput(
            f"the cron expression never fires: {fields}", hint="check the day and the month"
        )

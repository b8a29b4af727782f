"""Formats times and durations for people; `now` is in unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from math import isfinite

from qstash_cli.protocol.durations import format_duration

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
# These names do not depend on the locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SECOND_MS, _LAST_WITH_TENTHS_S = 1000, 10
_READABLE_PARTS = 2
_READABLE_UNITS = (("d", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S), ("s", 1))
# Up to this duration, hours are clearer than days.
_LAST_IN_HOURS_S = 2 * _DAY_S


def local_time(at_s: float, time_zone: tzinfo | None) -> str:
    """Formats a time such as `2026-11-24 13:05:09` in a zone, by default the local zone.

    Returns a number outside of the years 1 to 9999 unchanged.
    """
    try:
        at = datetime.fromtimestamp(at_s, UTC).astimezone(time_zone)
    except (ValueError, OverflowError, OSError):
        return str(at_s)
    return f"{at:%Y-%m-%d %H:%M:%S}".rjust(19, "0")


def short_time(at_s: float, now: float, time_zone: tzinfo | None) -> str:
    """Formats a time of today as `13:05:09`, of this year as `Nov 23 12:08`, otherwise as a date.

    Returns a number outside of the years 1 to 9999 unchanged.
    """
    try:
        at = datetime.fromtimestamp(at_s, UTC).astimezone(time_zone)
        today = datetime.fromtimestamp(now, UTC).astimezone(time_zone)
    except (ValueError, OverflowError, OSError):
        return str(at_s)
    if at.date() == today.date():
        return f"{at:%H:%M:%S}"
    if at.year == today.year:
        return f"{_MONTHS[at.month - 1]} {at:%d %H:%M}"
    return f"{at:%Y-%m-%d}".rjust(10, "0")


def relative_time(at_s: float, now: float) -> str:
    """Formats the distance of a time from now in its largest unit: `3m ago`, `in 5m`, `now`.

    Rounds towards now, so `3m ago` is at least three minutes. Returns nothing for a number that is
    not finite.
    """
    if not isfinite(at_s):
        return ""
    distance = _short_span(abs(at_s - now))
    if distance == "0s":
        return "now"
    return f"in {distance}" if at_s > now else f"{distance} ago"


def span(seconds: float) -> str:
    """Formats a duration like QStash: 5400 is `1h30m`; less than a second keeps its digits."""
    if not isfinite(seconds):
        return str(seconds)
    if seconds < 0:
        return f"-{span(-seconds)}"
    if seconds != int(seconds) and seconds < 1:
        return f"{seconds:g}s"
    return format_duration(int(seconds))


def readable_span(seconds: float) -> str:
    """Formats a span for a sentence, in its two largest units: `4 min 45 s`, `1.2 s`, `35 ms`."""
    if not isfinite(seconds):
        return str(seconds)
    seconds = abs(seconds)
    if seconds == 0:
        return "0 s"
    if round(seconds * 1000) < _SECOND_MS:
        return f"{round(seconds * 1000)} ms"
    if seconds < _LAST_WITH_TENTHS_S and seconds != int(seconds):
        return f"{seconds:.1f} s"
    left, parts = int(seconds), list[str]()
    for unit, size_s in _READABLE_UNITS:
        count, left = divmod(left, size_s)
        if count:
            parts.append(f"{count} {unit}")
        if parts and (not left or len(parts) == _READABLE_PARTS or not count):
            break
    return " ".join(parts)


def _short_span(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{int(seconds)}s"
    if seconds < _HOUR_S:
        return f"{int(seconds // _MINUTE_S)}m"
    if seconds < _LAST_IN_HOURS_S:
        return f"{int(seconds // _HOUR_S)}h"
    return f"{int(seconds // _DAY_S)}d"

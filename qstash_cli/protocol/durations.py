"""Durations in QStash's notation. Source: QStash docs, "Delay"."""

from __future__ import annotations

import re

from qstash_cli.errors import BadInput

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:[0-9]+[smhd])+")
_PART = re.compile(r"([0-9]+)([smhd])")
_MAX_DIGITS = 12
_LONGEST_S = 10**_MAX_DIGITS
# Source: QStash docs, "Flow control".
LONGEST_PERIOD_S = 7 * _UNITS["d"]


def parse_duration_s(text: str) -> int:
    """Parses a duration such as `1d10h30m` to seconds; a bare number is seconds.

    Raises `BadInput` for anything else.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    parts = _PART.findall(text) if _DURATION.fullmatch(text) else []
    if not parts or any(len(count) > _MAX_DIGITS for count, _ in parts):
        raise BadInput(
            f"not a duration: {text!r}",
            hint="write numbers with d, h, m or s, such as 90s or 1d10h30m",
        )
    total_s = sum(int(count) * _UNITS[unit] for count, unit in parts)
    if total_s > _LONGEST_S:
        raise BadInput(
            f"the duration is too long: {text!r}", hint=f"the limit is {_LONGEST_S // 86_400}d"
        )
    return total_s


def parse_period_s(text: str) -> int:
    """Parses the period of a rate, from 1 second to 7 days, to seconds.

    Raises `BadInput` for anything else.
    """
    period_s = parse_duration_s(text)
    if not 1 <= period_s <= LONGEST_PERIOD_S:
        raise BadInput(
            f"the period must be between 1s and 7d: {text.strip()!r}",
            hint="use a lower rate with a shorter period",
        )
    return period_s


def format_duration(seconds: int) -> str:
    """Formats seconds in QStash's notation, largest unit first: 5403 is `1h30m3s`."""
    parts = []
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"

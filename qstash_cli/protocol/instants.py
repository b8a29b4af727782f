"""Parses points in time: ISO 8601, unix seconds, `in 10m`, `2h ago`, `now`."""

from __future__ import annotations

from datetime import UTC, datetime

from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import parse_duration_s

# QStash's JSON contains milliseconds, which have thirteen digits.
_FIRST_MILLISECONDS = 100_000_000_000
_MAX_DIGITS = 15


def parse_instant_s(text: str, now: float) -> float:
    """Parses a point in time to unix seconds; relative forms count from `now` (unix seconds).

    ISO 8601 times without an offset are UTC, like QStash's own. Numbers of twelve or more digits
    are milliseconds. Raises `BadInput` for anything else.
    """
    text = text.strip()
    if text == "now":
        return now
    if text.startswith("in "):
        return now + parse_duration_s(text.removeprefix("in "))
    if text.endswith(" ago"):
        return now - parse_duration_s(text.removesuffix(" ago"))
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text) / 1000 if int(text) >= _FIRST_MILLISECONDS else int(text)
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise BadInput(
            f"not a point in time: {text!r}",
            hint="use ISO 8601 such as 2026-12-01T09:00:00Z, unix seconds, or 'in 10m'",
        ) from None


def parse_past_instant_s(text: str, now: float) -> float:
    """Like `parse_instant_s`, but a bare duration counts back from now: `2h` is two hours ago."""
    try:
        return parse_instant_s(text, now)
    except BadInput as not_an_instant:
        try:
            return now - parse_duration_s(text)
        except BadInput:
            raise not_an_instant from None

"""Calculates when the next request may be sent, from the headers of QStash's responses.

Source: QStash docs, "Rate limits". Times are in unix seconds, durations in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

_BURST_LEFT, _BURST_RESET = "burst-ratelimit-remaining", "burst-ratelimit-reset"
# QStash counts requests other than publishes per second.
_BURST_WINDOW_S = 1.0
_RETRY_AFTER = "retry-after"
_RESET_HEADERS = (_BURST_RESET, "ratelimit-reset", _RETRY_AFTER)
_RATE_LIMIT_HEADERS = ("ratelimit-", "burst-ratelimit-", "x-ratelimit-")
# A larger reset is a point in time, not a number of seconds.
_FIRST_EPOCH_S = 1_000_000_000


def pause_after_s(headers: Mapping[str, str], now: float) -> float:
    """Returns the wait before the next request, which QStash would otherwise reject."""
    if headers.get(_BURST_LEFT) != "0":
        return 0.0
    reset_s = _seconds_until(headers.get(_BURST_RESET, ""), now)
    # The window is short: a wrong clock must not make the wait long.
    return _BURST_WINDOW_S if reset_s is None else min(reset_s, _BURST_WINDOW_S)


def reset_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Returns the wait in the headers of a rejected request, or None."""
    found = (_seconds_until(headers.get(name, ""), now) for name in _RESET_HEADERS)
    return next((wait_s for wait_s in found if wait_s is not None), None)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Returns the wait in Retry-After, or None if it is missing or malformed."""
    return _seconds_until(headers.get(_RETRY_AFTER, ""), now)


def names_rate_limit(headers: Mapping[str, str]) -> bool:
    """Whether a 429 response has QStash's rate limit headers."""
    return any(name.lower().startswith(_RATE_LIMIT_HEADERS) for name in headers)


def _seconds_until(reset: str, now: float) -> float | None:
    try:
        value = float(reset)
    except ValueError:
        return _seconds_until_date(reset, now)
    if math.isnan(value):
        return None
    return max(0.0, value - now if value > _FIRST_EPOCH_S else value)


def _seconds_until_date(date: str, now: float) -> float | None:
    # RFC 9110 §10.2.3 allows a date in Retry-After.
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, OverflowError):
        return None

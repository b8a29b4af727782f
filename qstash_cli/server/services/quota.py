"""What a plan allows, and the refusals of what is more.

Source: QStash docs, "API rate limits and errors"; the words are those that QStash was seen to use.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from qstash_cli.protocol.limits import PlanLimits
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.errors import ApiError

_DAY_MS = 86_400_000
_COUNTS = {
    "queues": ("Queues", "SELECT count(*), count(iif(name = ?, 1, NULL)) FROM queues"),
    "urlgroups": ("Topics", "SELECT count(*), count(iif(name = ?, 1, NULL)) FROM topics"),
    "schedules": ("Schedules", "SELECT count(*), count(iif(id = ?, 1, NULL)) FROM schedules"),
}


def check(what: str, value: int, limit: int | None) -> None:
    """Raises `ApiError` 412 if the value is over the limit."""
    if limit is not None and value > limit:
        raise ApiError(412, f"quota max{what} exceeded, current limit: {limit}")


def check_message(limits: PlanLimits, options: MessageOptions, body: bytes, now_ms: int) -> None:
    """Raises `ApiError` 412 if a message asks for more than the plan allows."""
    delay_s = options.delay_s or 0
    if options.not_before_s is not None:
        delay_s = options.not_before_s - now_ms // 1000
    check("MessageSize", len(body), limits.body_bytes)
    check("Retries", options.retries or 0, limits.retries)
    check("Delay", delay_s, limits.delay_s)
    check("Timeout", options.timeout_s or 0, limits.timeout_s)


def check_room(connection: sqlite3.Connection, limits: PlanLimits, table: str, name: str) -> None:
    """Raises `ApiError` 412 if a new queue, URL group or schedule would be one too many."""
    if getattr(limits, table) is None:
        return
    what, select = _COUNTS[table]
    count, is_there = connection.execute(select, (name,)).fetchone()
    if not is_there:
        check(what, count + 1, getattr(limits, table))


def check_day(connection: sqlite3.Connection, limits: PlanLimits, more: int, now_ms: int) -> None:
    """Raises `ApiError` 429 if so many more messages are too many for the day, which is UTC's."""
    most = limits.messages_per_day
    if most is None:
        return
    day_ms = now_ms - now_ms % _DAY_MS
    (used,) = connection.execute(
        # Of the days to come too: the clock may have been set back.
        "SELECT count(*) FROM messages WHERE created_ms >= ? AND created_ms < ?",
        (day_ms, day_ms + _DAY_MS),
    ).fetchone()
    if used + more > most:
        raise ApiError(
            429,
            f"daily message limit exceeded, current limit: {most}",
            headers=rate_limit_headers("", most, most - used, (day_ms + _DAY_MS) // 1000),
        )


def rate_limit_headers(
    prefix: str, limit: int, remaining: int, reset_s: int
) -> Sequence[tuple[str, str]]:
    """The headers that report a limit; `prefix` is "Burst-" for that of a second."""
    # The SDKs distinguish the two limits by these names, so that a response may have one kind only.
    values = (("Limit", limit), ("Remaining", max(0, remaining)), ("Reset", reset_s))
    return [(f"{prefix}RateLimit-{name}", str(value)) for name, value in values]

"""The limits of a plan.

Source: QStash docs, "API rate limits and errors"; the messages are those that QStash sends.
"""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.protocol.limits import PlanLimits
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.errors import ApiError
from qstash_cli.server.storage import usage
from qstash_cli.server.storage.store import Connection

_DAY_MS = 86_400_000
_NAMES = {"queues": "Queues", "urlgroups": "Topics", "schedules": "Schedules"}


def validate_limit(what: str, value: int, limit: int | None) -> None:
    """Raises `ApiError` 412 if the value exceeds the limit."""
    if limit is not None and value > limit:
        raise ApiError(412, f"quota max{what} exceeded, current limit: {limit}")


def validate_message(limits: PlanLimits, options: MessageOptions, body: bytes, now_ms: int) -> None:
    """Raises `ApiError` 412 if a message exceeds the limits of the plan."""
    delay_s = options.delay_s or 0
    if options.not_before_s is not None:
        delay_s = options.not_before_s - now_ms // 1000
    validate_limit("MessageSize", len(body), limits.body_bytes)
    validate_limit("Retries", options.retries or 0, limits.retries)
    validate_limit("Delay", delay_s, limits.delay_s)
    validate_limit("Timeout", options.timeout_s or 0, limits.timeout_s)


def validate_count(connection: Connection, limits: PlanLimits, kind: str, name: str) -> None:
    """Raises `ApiError` 412 if a new queue, URL group or schedule would exceed the plan."""
    limit = getattr(limits, kind)
    if limit is None:
        return
    count = usage.count_after_adding(connection, kind, name)
    if count is not None:
        validate_limit(_NAMES[kind], count, limit)


def validate_daily_messages(
    connection: Connection, limits: PlanLimits, more: int, now_ms: int
) -> None:
    """Raises `ApiError` 429 if this many more messages exceed the limit of the day, in UTC."""
    limit = limits.messages_per_day
    if limit is None:
        return
    day_ms = now_ms - now_ms % _DAY_MS
    # Messages of later days do not count: the clock may have been set back.
    used = usage.count_messages(connection, day_ms, day_ms + _DAY_MS)
    if used + more > limit:
        raise ApiError(
            429,
            f"daily message limit exceeded, current limit: {limit}",
            headers=rate_limit_headers("", limit, limit - used, (day_ms + _DAY_MS) // 1000),
        )


def rate_limit_headers(
    prefix: str, limit: int, remaining: int, reset_s: int
) -> Sequence[tuple[str, str]]:
    """Returns the headers that report a limit; `prefix` is "Burst-" for that of a second."""
    # The SDKs distinguish the two limits by these names, so that a response may have one kind only.
    values = (("Limit", limit), ("Remaining", max(0, remaining)), ("Reset", reset_s))
    return [(f"{prefix}RateLimit-{name}", str(value)) for name, value in values]

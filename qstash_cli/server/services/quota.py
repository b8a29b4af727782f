"""What a plan allows, and the refusals of what is more.

Source: QStash docs, "API rate limits and errors"; the words are those that QStash was seen to use.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qstash_cli.protocol.limits import PlanLimits
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.http.responses import ApiError, refusal

_DAY_MS = 86_400_000
_OPERATIONAL = ("/v2/publish", "/v2/enqueue", "/v2/batch")
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
            headers=_limit_headers("", most, most - used, (day_ms + _DAY_MS) // 1000),
        )


class Burst:
    """Answers 429 to a user's requests over the number in a second; publishing is free of it."""

    def __init__(self, app: ASGIApp, *, most: int, now_s: Callable[[], float]) -> None:
        self._app = app
        self._most = most
        self._now_s = now_s
        self._counts: dict[str, tuple[int, int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http" or _is_operational(scope["path"]):
            await self._app(scope, receive, send)
            return
        second = math.floor(self._now_s())
        user = scope["state"]["account"].name
        last, count = self._counts.get(user, (second, 0))
        count = count + 1 if last == second else 1
        self._counts[user] = second, count
        headers = _limit_headers("Burst-", self._most, self._most - count, second + 1)
        if count <= self._most:
            await self._app(scope, receive, _with_headers(send, headers))
            return
        await refusal(429, "too many requests in a second", headers)(scope, receive, send)


def _with_headers(send: Send, headers: Sequence[tuple[str, str]]) -> Send:
    # Guess: the documents name the headers, and not whether an answer that is no 429 has them.
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.lower().encode(), value.encode()) for name, value in headers]
            message = {**message, "headers": [*message["headers"], *own]}
        await send(message)

    return send_with_headers


def _is_operational(path: str) -> bool:
    return path.startswith(_OPERATIONAL)


def _limit_headers(prefix: str, most: int, left: int, reset_s: int) -> Sequence[tuple[str, str]]:
    # The SDKs tell the two limits apart by these names, so that only one kind may be there.
    values = (("Limit", most), ("Remaining", max(0, left)), ("Reset", reset_s))
    return [(f"{prefix}RateLimit-{name}", str(value)) for name, value in values]

"""The limit of requests in a second. Source: QStash docs, "API rate limits and errors"."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qstash_cli.server.http.responses import refusal
from qstash_cli.server.services.quota import rate_limit_headers

_UNLIMITED_PATHS = ("/v2/publish", "/v2/enqueue", "/v2/batch")


class BurstLimit:
    """Responds with 429 to requests of a user above `limit` a second. Publishing is unlimited."""

    def __init__(self, app: ASGIApp, *, limit: int, now_s: Callable[[], float]) -> None:
        self._app = app
        self._limit = limit
        self._now_s = now_s
        self._counts: dict[str, tuple[int, int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http" or scope["path"].startswith(_UNLIMITED_PATHS):
            await self._app(scope, receive, send)
            return
        second = math.floor(self._now_s())
        user = scope["state"]["account"].name
        last, count = self._counts.get(user, (second, 0))
        count = count + 1 if last == second else 1
        self._counts[user] = second, count
        headers = rate_limit_headers("Burst-", self._limit, self._limit - count, second + 1)
        if count <= self._limit:
            await self._app(scope, receive, _with_headers(send, headers))
            return
        await refusal(429, "too many requests in a second", headers)(scope, receive, send)


def _with_headers(send: Send, headers: Sequence[tuple[str, str]]) -> Send:
    # Guess: the docs name the headers, and not whether successful responses have them.
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.lower().encode(), value.encode()) for name, value in headers]
            message = {**message, "headers": [*message["headers"], *own]}
        await send(message)

    return send_with_headers

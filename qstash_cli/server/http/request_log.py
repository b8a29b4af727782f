"""Notes the requests to the server, with their responses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

_MAX_ERROR_BYTES = 2000
_FIRST_ERROR = 400


class SeenRequest(NamedTuple):
    """A request and the response to it. `error` is the message of a refusal.

    The path has no query, which may contain a token.
    """

    method: str
    path: str
    status: int
    duration_ms: float
    error: str = ""


class RequestLog:
    """Calls `on_request` after each response."""

    def __init__(self, app: ASGIApp, *, on_request: Callable[[SeenRequest], None]) -> None:
        self._app = app
        self._on_request = on_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        status, body = 0, b""

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status, body
            status = message.get("status", status)
            if status >= _FIRST_ERROR and len(body) < _MAX_ERROR_BYTES:
                body += message.get("body", b"")[:_MAX_ERROR_BYTES]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            duration_ms = (time.perf_counter() - started_s) * 1000
            path = scope.get("raw_path", b"").decode("ascii", errors="replace")
            error = _error(body) if status >= _FIRST_ERROR else ""
            self._on_request(SeenRequest(scope["method"], path, status, duration_ms, error))


def _error(body: bytes) -> str:
    try:
        parsed = json.loads(body)
        return str(parsed["error"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""

"""The console before it is opened. It must import neither the pages nor Jinja2."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class LazyConsole:
    """Imports the console with the first request. `is_stopping` ends its streams."""

    def __init__(self, is_stopping: Callable[[], bool]) -> None:
        self._is_stopping = is_stopping
        self._console: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if self._console is None:
            from qstash_cli.server.console.app import Console

            self._console = Console(self._is_stopping)
        await self._console(scope, receive, send)

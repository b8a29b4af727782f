"""MCP over streamable HTTP, as an ASGI application of the embedded server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from qstash_cli.cli.context import Context
from qstash_cli.errors import BadInput
from qstash_cli.mcp_server import server
from qstash_cli.protocol.dev_credentials import Credentials
from qstash_cli.server.http.responses import refusal

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

ContextOf = Callable[[str, Credentials], Context]


class McpEndpoint:
    """Serves the tools that read, for the user of the request. Imports the SDK when it is used.

    `context_of` returns the context for the URL of the server and a user.
    """

    def __init__(self, context_of: ContextOf) -> None:
        self._context_of = context_of
        self._server: Server[Any] | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        app = await self._app(scope)
        await app(scope, receive, send)

    async def _app(self, scope: Scope) -> ASGIApp:
        if scope["method"] != "POST":
            # There are no sessions, and nothing that the server would send on its own.
            return refusal(405, "use POST", [("Allow", "POST")])
        async with self._building:
            if self._server is None:
                try:
                    server.require_sdk()
                except BadInput as error:
                    return refusal(404, f"{error.message}; {error.hint}")
                # The import takes so long that deliveries would be late.
                self._server = await asyncio.to_thread(self._built)
        return _stateless(self._server)

    def _built(self) -> Server[Any]:
        return server.build(self._context_of_request, writes=False, local=False)

    def _context_of_request(self, request: Request) -> Context:
        host, port = request.scope["server"]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        return self._context_of(url, request.state.user)


def _stateless(app: Server[Any]) -> ASGIApp:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        # A manager that lives as long as the request needs no task of the server's.
        manager = StreamableHTTPSessionManager(app, json_response=True, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    return respond

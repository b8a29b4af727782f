"""The console as an ASGI application: its pages, its actions, its stream and its files."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from qstash_cli.errors import BadInput
from qstash_cli.server.console import (
    actions,
    dlq_page,
    message_pages,
    pages,
    rendering,
    routing_actions,
    sign_in,
    stream,
    workflow_pages,
)
from qstash_cli.server.console.page_context import base_context
from qstash_cli.server.errors import ApiError

Handler = Callable[[Request], Awaitable[Response]]
_FILES = files("qstash_cli.server.console") / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_STATIC = "/console/static/"
TOKEN_HEADER = "X-Console-Token"  # noqa: S105 - the name of a header


class Console:
    """Serves `/` and everything below `/console`."""

    def __init__(self, is_stopping: Callable[[], bool]) -> None:
        token = secrets.token_urlsafe(32)
        reads: Mapping[str, Handler] = {
            **message_pages.PAGES,
            **dlq_page.PAGES,
            **workflow_pages.PAGES,
            **pages.PAGES,
        }
        writes = {
            **actions.ACTIONS,
            **dlq_page.ACTIONS,
            **workflow_pages.ACTIONS,
            **routing_actions.ACTIONS,
        }
        routes = [Route(path, handler) for path, handler in reads.items()]
        routes += [
            Route(path, _same_origin(handler, token), methods=["POST"])
            for path, handler in writes.items()
        ]
        routes += [
            Route("/console/events", stream.events),
            Route(f"{_STATIC}{{path:path}}", _static),
        ]
        self._app = Starlette(
            routes=routes,
            exception_handlers={ApiError: _refused, BadInput: _refused, HTTPException: _refused},
        )
        self._app.state.token = token
        self._app.state.is_stopping = is_stopping
        self._sign_in = Starlette(
            routes=[
                Route("/console/sign-in", sign_in.accept, methods=["POST"]),
                Route("/{path:path}", sign_in.ask, methods=["GET"]),
            ],
            exception_handlers={HTTPException: sign_in.refuse},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request. Without an account it can only sign in, and load the styles."""
        if "account" not in scope.get("state", {}) and not scope["path"].startswith(_STATIC):
            await self._sign_in(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _same_origin(handler: Handler, token: str) -> Handler:
    """Refuses a write without the token of the page, which no other origin can read."""

    async def checked(request: Request) -> Response:
        given = request.headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise ApiError(403, "the page is from an earlier run of the server; reload it")
        return await handler(request)

    return checked


async def _static(request: Request) -> Response:
    path = request.path_params["path"]
    name = path.rpartition("/")[2]
    directory = _FILES / "vendor" if path.startswith("vendor/") else _FILES
    kind = _TYPES.get(f".{name.rpartition('.')[2]}")
    found = directory / name
    if kind is None or ".." in path or not found.is_file():
        raise ApiError(404, f"no such file: {path}")
    headers = {**rendering.SECURITY_HEADERS, "Cache-Control": "no-cache"}
    return Response(found.read_bytes(), media_type=kind, headers=headers)


async def _refused(request: Request, error: Exception) -> Response:
    status, message = _status_of(error)
    template = "error.html" if request.headers.get("HX-Request") else "error_page.html"
    context: dict[str, Any] = base_context(request) | {"message": message, "status": status}
    return rendering.page(template, context, status)


def _status_of(error: Exception) -> tuple[int, str]:
    if isinstance(error, ApiError):
        return error.status, error.message
    if isinstance(error, HTTPException):
        return error.status_code, f"{error.detail}"
    return 400, f"{error}"

"""The ASGI application: routes, middleware and errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from qstash_cli.errors import BadInput
from qstash_cli.protocol.limits import PlanLimits
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.burst_limit import BurstLimit
from qstash_cli.server.http.request_log import RequestLog, SeenRequest
from qstash_cli.server.http.responses import refusal
from qstash_cli.server.http.routes import (
    bulk_actions,
    clock,
    dlq,
    flow_control,
    logs,
    messages,
    publish,
    queues,
    reset,
    schedules,
    snapshots,
    url_groups,
    workflow_dlq,
    workflows,
)
from qstash_cli.server.http.routes import keys as key_routes
from qstash_cli.server.http.security import Guard, is_console
from qstash_cli.server.services.accounts import Accounts
from qstash_cli.server.storage.store import StoreError

_RESOURCES = (
    publish, messages, bulk_actions, url_groups, queues, schedules, flow_control, logs, dlq,
    key_routes, workflow_dlq, workflows,
)  # fmt: skip
_RESOURCE_NAMES = {
    route.path.split("/")[2].lower(): route.path.split("/")[2]
    for resource in _RESOURCES
    for route in resource.ROUTES
}
_RAW = ("/v2/publish", "/v2/enqueue/", "/v2/trigger/")


def build(
    accounts: Accounts,
    *,
    host: str,
    limits: PlanLimits,
    on_request: Callable[[SeenRequest], None] | None = None,
    console: ASGIApp | None = None,
    mcp: ASGIApp | None = None,
    api_origin: str | None = None,
) -> Starlette:
    """Returns the application. The caller starts and stops the accounts.

    `on_request` is called after each response. `console` serves the paths that are not of the API,
    and `mcp` serves `/mcp`. Pages of `api_origin` may use the API.
    """
    middleware = [
        *([Middleware(RequestLog, on_request=on_request)] if on_request is not None else ()),
        *([_open_to(api_origin)] if api_origin is not None else ()),
        Middleware(Guard, host=host, accounts=accounts, api_origin=api_origin),
        Middleware(_Paths),
    ]
    if limits.requests_per_s is not None:
        middleware.append(Middleware(BurstLimit, limit=limits.requests_per_s, now_s=time.time))
    app = Starlette(
        routes=[
            *(route for resource in _RESOURCES for route in resource.ROUTES),
            *clock.ROUTES,
            *reset.ROUTES,
            *snapshots.ROUTES,
            *([Route("/mcp", mcp)] if mcp is not None else ()),
            *([Mount("/", _OnlyConsole(console))] if console is not None else ()),
        ],
        middleware=middleware,
        exception_handlers={
            ApiError: _api_error,
            BadInput: _bad_input,
            HTTPException: _http_error,
            UnicodeEncodeError: _no_unicode,
            ClientDisconnect: _gone,
            StoreError: _store_error,
            Exception: _unexpected,
        },
    )
    app.router.redirect_slashes = False
    app.state.accounts = accounts
    return app


def _open_to(origin: str) -> Middleware:
    """Lets the pages of an origin, which is not on this machine, read responses of the API."""
    return Middleware(
        CORSMiddleware,
        allow_origins=[origin],
        allow_methods=["*"],
        allow_headers=["*"],
        allow_private_network=True,
    )


class _OnlyConsole:
    """Passes on the requests that are for the console; other paths do not exist."""

    def __init__(self, console: ASGIApp) -> None:
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_console(scope["path"]):
            raise HTTPException(404)
        await self._console(scope, receive, send)


class _Paths:
    """Normalizes paths: collections may end with a slash, and resources may be in any case.

    Refuses to delete an empty id. The Go SDK requests `/v2/Schedules/`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A destination may contain a line feed, which no pattern of a route matches.
        path = _with_known_resource(scope["path"]).replace("\n", "%0A")
        scope = {**scope, "path": path}
        if path.endswith("/") and not path.startswith(_RAW):
            if scope["method"] == "DELETE":
                # In the cloud an empty id selects everything.
                await refusal(400, "the id is empty")(scope, receive, send)
                return
            scope["path"] = path.rstrip("/") or "/"
        await self._app(scope, receive, send)


def _with_known_resource(path: str) -> str:
    parts = path.split("/", 3)
    if len(parts) > 2:
        parts[2] = _RESOURCE_NAMES.get(parts[2].lower(), parts[2])
    return "/".join(parts)


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - Starlette's handlers are typed for any error
    return refusal(error.status, error.message, error.headers)


async def _bad_input(_request: Request, error: Exception) -> Response:
    return refusal(400, str(error))


async def _no_unicode(_request: Request, _error: Exception) -> Response:
    return refusal(400, "the body contains an unpaired surrogate")


async def _gone(_request: Request, _error: Exception) -> Response:
    return refusal(400, "the client closed the connection before the end of the request")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    return refusal(error.status_code, f"{error.detail}: {request.method} {request.url.path}")


async def _store_error(_request: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("database error: %s", error)
    return refusal(500, f"nothing was stored: {error}")


async def _unexpected(_request: Request, error: Exception) -> Response:
    # uvicorn closes the connection after such an error, which a client must know.
    return refusal(500, f"internal server error: {type(error).__name__}", [("Connection", "close")])

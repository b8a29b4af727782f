"""The endpoints that only the workflow SDK calls, all of which are refused."""

from __future__ import annotations

from typing import NoReturn

from starlette.requests import Request
from starlette.routing import Route

from qstash_cli.server.services.workflows import not_supported

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_RESOURCES = ("trigger", "batch/trigger", "wait", "notify", "waiters", "workflows")


async def _refuse(request: Request) -> NoReturn:
    # What follows the resource is text from elsewhere, and may not fit on a line of the log.
    resource = request.url.path.split("/")[2]
    raise not_supported(f"{request.method} /v2/{resource}")


ROUTES = [
    Route(f"/v2/{resource}{rest}", _refuse, methods=_METHODS)
    for resource in _RESOURCES
    for rest in ("", "/{rest:path}")
]

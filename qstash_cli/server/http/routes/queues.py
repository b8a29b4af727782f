"""Queues. Source: QStash docs, "Queues"."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.ids import validate_name
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import account_of, json_body
from qstash_cli.server.http.responses import respond
from qstash_cli.server.http.views import resources as views
from qstash_cli.server.services import queues

_MAX_PARALLELISM = 1_000_000


async def _list(request: Request) -> Response:
    return respond([views.queue(one) for one in await queues.list_all(account_of(request))])


async def _get(request: Request) -> Response:
    return respond(views.queue(await queues.get(account_of(request), _name(request))))


async def _upsert(request: Request) -> Response:
    fields = await json_body(request)
    if not isinstance(fields, dict):
        raise ApiError(400, "the body is not a JSON object")
    name = validate_name(str(fields.get("queueName", "")), "queue")
    is_paused = fields.get("paused")
    if not isinstance(is_paused, bool | None):
        raise ApiError(400, "paused is neither true nor false")
    await queues.put(
        account_of(request), name, parallelism=_parallelism(fields), is_paused=is_paused
    )
    return Response(status_code=200)


async def _pause(request: Request) -> Response:
    return await _switch(request, is_paused=True)


async def _resume(request: Request) -> Response:
    return await _switch(request, is_paused=False)


async def _switch(request: Request, *, is_paused: bool) -> Response:
    await queues.pause(account_of(request), _name(request), is_paused=is_paused)
    return Response(status_code=200)


async def _delete(request: Request) -> Response:
    await queues.delete(account_of(request), _name(request))
    return Response(status_code=200)


def _name(request: Request) -> str:
    return validate_name(request.path_params["name"], "queue")


def _parallelism(fields: dict[str, Any]) -> int | None:
    value = fields.get("parallelism")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ApiError(400, "parallelism must be at least 1")
    if value > _MAX_PARALLELISM:
        raise ApiError(400, f"parallelism must be at most {_MAX_PARALLELISM}")
    return value


ROUTES = [
    Route("/v2/queues", _list, methods=["GET"]),
    Route("/v2/queues", _upsert, methods=["POST"]),
    Route("/v2/queues/{name}", _get, methods=["GET"]),
    Route("/v2/queues/{name}", _delete, methods=["DELETE"]),
    Route("/v2/queues/{name}/pause", _pause, methods=["POST"]),
    Route("/v2/queues/{name}/resume", _resume, methods=["POST"]),
]

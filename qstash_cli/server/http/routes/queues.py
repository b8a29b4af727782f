"""Queues. Source: QStash docs, "Queues"."""

from __future__ import annotations

import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.ids import validate_name
from qstash_cli.server.delivery import attempts
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import json_body, service
from qstash_cli.server.http.responses import answer
from qstash_cli.server.services import quota
from qstash_cli.server.storage import queues

_MOST_PARALLELISM = 1_000_000


async def _list(request: Request) -> Response:
    rows = await service(request).store.run(queues.list_all)
    return answer([queues.as_json(row) for row in rows])


async def _get(request: Request) -> Response:
    name = validate_name(request.path_params["name"], "queue")
    row = await service(request).store.run(lambda connection: queues.get(connection, name))
    return answer(queues.as_json(row))


async def _upsert(request: Request) -> Response:
    fields = await json_body(request)
    if not isinstance(fields, dict):
        raise ApiError(400, "the body is not a JSON object")
    name = validate_name(str(fields.get("queueName", "")), "queue")
    is_paused = fields.get("paused")
    if not isinstance(is_paused, bool | None):
        raise ApiError(400, "paused is neither true nor false")
    await _put(request, name, _parallelism(fields), is_paused)
    return Response(status_code=200)


async def _pause(request: Request) -> Response:
    return await _switch(request, is_paused=True)


async def _resume(request: Request) -> Response:
    return await _switch(request, is_paused=False)


async def _switch(request: Request, *, is_paused: bool) -> Response:
    name = validate_name(request.path_params["name"], "queue")
    await service(request).store.run(lambda connection: queues.get(connection, name))
    await _put(request, name, None, is_paused)
    return Response(status_code=200)


async def _put(
    request: Request, name: str, parallelism: int | None, is_paused: bool | None
) -> None:
    api = service(request)
    now_ms = api.clock.now_ms()
    quota.check("Parallelism", parallelism or 1, api.limits.parallelism)

    def put(connection: sqlite3.Connection) -> sqlite3.Row:
        quota.check_room(connection, api.limits, "queues", name)
        return queues.put(connection, name, now_ms, parallelism=parallelism, is_paused=is_paused)

    row = await api.store.run(put)
    api.engine.set_queue(name, parallelism=row["parallelism"], is_paused=bool(row["is_paused"]))


async def _delete(request: Request) -> Response:
    api = service(request)
    name = validate_name(request.path_params["name"], "queue")

    def delete(connection: sqlite3.Connection) -> list[str]:
        # Guess: what is still in a deleted queue is cancelled.
        left = queues.delete(connection, name)
        for message_id in left:
            is_in_flight = api.engine.is_in_flight(message_id)
            attempts.cancel(connection, message_id, api.clock.now_ms(), is_in_flight=is_in_flight)
        return left

    api.engine.forget(await api.store.run(delete))
    api.engine.set_queue(name, parallelism=1, is_paused=False)
    return Response(status_code=200)


def _parallelism(fields: dict[str, Any]) -> int | None:
    value = fields.get("parallelism")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ApiError(400, "parallelism must be at least 1")
    if value > _MOST_PARALLELISM:
        raise ApiError(400, f"parallelism must be at most {_MOST_PARALLELISM}")
    return value


ROUTES = [
    Route("/v2/queues", _list, methods=["GET"]),
    Route("/v2/queues", _upsert, methods=["POST"]),
    Route("/v2/queues/{name}", _get, methods=["GET"]),
    Route("/v2/queues/{name}", _delete, methods=["DELETE"]),
    Route("/v2/queues/{name}/pause", _pause, methods=["POST"]),
    Route("/v2/queues/{name}/resume", _resume, methods=["POST"]),
]

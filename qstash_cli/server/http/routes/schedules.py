"""Schedules. Source: QStash docs, "Schedules"."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.http import pages
from qstash_cli.server.http.request_body import read_body
from qstash_cli.server.http.requests import (
    caller_ip,
    headers,
    rest_of_path,
    service,
)
from qstash_cli.server.http.responses import answer
from qstash_cli.server.services.publishing import Order
from qstash_cli.server.storage import schedules


async def create(request: Request) -> Response:
    """Makes or replaces a schedule; also what a publish with a cron expression does."""
    api = service(request)
    order = Order(
        destination=rest_of_path(request, 2),
        headers=headers(request),
        body=await read_body(request),
        now_ms=api.clock.now_ms(),
        caller_ip=caller_ip(request),
        limits=api.limits,
    )
    schedule_id = await api.store.run(
        lambda connection: schedules.put(connection, order, api.new_id)
    )
    api.scheduler.changed()
    return answer({"scheduleId": schedule_id}, 201)


async def _list(request: Request) -> Response:
    store = service(request).store
    ids = await store.run(schedules.ids)

    async def items() -> AsyncIterator[dict[str, Any]]:
        # There are no pages, and a schedule may have a body of 50 MB.
        for schedule_id in ids:
            found = await store.run(lambda connection: _found(connection, schedule_id))  # noqa: B023 - awaited at once
            if found is not None:
                yield found

    return await pages.json_array(items())


def _found(connection: sqlite3.Connection, schedule_id: str) -> dict[str, Any] | None:
    row = schedules.find(connection, schedule_id)
    return None if row is None else schedules.as_json(connection, row)


async def _get(request: Request) -> Response:
    schedule_id = request.path_params["schedule_id"]

    def read(connection: sqlite3.Connection) -> dict[str, Any]:
        return schedules.as_json(connection, schedules.get(connection, schedule_id))

    return answer(await service(request).store.run(read))


async def _delete(request: Request) -> Response:
    schedule_id = request.path_params["schedule_id"]
    await service(request).store.run(lambda connection: schedules.delete(connection, schedule_id))
    return Response(status_code=200)


async def _pause(request: Request) -> Response:
    return await _switch(request, is_paused=True)


async def _resume(request: Request) -> Response:
    return await _switch(request, is_paused=False)


async def _switch(request: Request, *, is_paused: bool) -> Response:
    schedule_id = request.path_params["schedule_id"]
    await service(request).store.run(
        lambda connection: schedules.pause(connection, schedule_id, is_paused=is_paused)
    )
    return Response(status_code=200)


# The document says POST for pausing, every SDK sends PATCH.
_SWITCHES = ["POST", "PATCH"]
ROUTES = [
    Route("/v2/schedules", _list, methods=["GET"]),
    Route("/v2/schedules/{schedule_id}", _get, methods=["GET"]),
    Route("/v2/schedules/{schedule_id}", _delete, methods=["DELETE"]),
    Route("/v2/schedules/{schedule_id}/pause", _pause, methods=_SWITCHES),
    Route("/v2/schedules/{schedule_id}/resume", _resume, methods=_SWITCHES),
    Route("/v2/schedules/{destination:path}", create, methods=["POST"]),
]

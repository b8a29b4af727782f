"""Schedules. Source: QStash docs, "Schedules"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.http import pages
from qstash_cli.server.http.requests import account_of, publish_request
from qstash_cli.server.http.responses import respond
from qstash_cli.server.http.views import schedules as views
from qstash_cli.server.services import schedules
from qstash_cli.server.services.publish_rules import PublishRequest


async def put(request: Request, wanted: PublishRequest) -> Response:
    """Creates or replaces a schedule, also for a publish with a cron expression."""
    schedule_id = await schedules.put(account_of(request), wanted)
    return respond({"scheduleId": schedule_id}, 201)


async def _create(request: Request) -> Response:
    return await put(request, await publish_request(request, 2))


async def _list(request: Request) -> Response:
    found = schedules.list_all(account_of(request))
    return await pages.json_array(views.schedule(one) async for one in found)


async def _get(request: Request) -> Response:
    found = await schedules.get(account_of(request), request.path_params["schedule_id"])
    return respond(views.schedule(found))


async def _delete(request: Request) -> Response:
    await schedules.delete(account_of(request), request.path_params["schedule_id"])
    return Response(status_code=200)


async def _pause(request: Request) -> Response:
    return await _switch(request, is_paused=True)


async def _resume(request: Request) -> Response:
    return await _switch(request, is_paused=False)


async def _switch(request: Request, *, is_paused: bool) -> Response:
    schedule_id = request.path_params["schedule_id"]
    await schedules.pause(account_of(request), schedule_id, is_paused=is_paused)
    return Response(status_code=200)


# The OpenAPI document specifies POST for pausing; every SDK sends PATCH.
_SWITCHES = ["POST", "PATCH"]
ROUTES = [
    Route("/v2/schedules", _list, methods=["GET"]),
    Route("/v2/schedules/{schedule_id}", _get, methods=["GET"]),
    Route("/v2/schedules/{schedule_id}", _delete, methods=["DELETE"]),
    Route("/v2/schedules/{schedule_id}/pause", _pause, methods=_SWITCHES),
    Route("/v2/schedules/{schedule_id}/resume", _resume, methods=_SWITCHES),
    Route("/v2/schedules/{destination:path}", _create, methods=["POST"]),
]

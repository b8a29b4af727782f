"""Bulk actions: list and get. Source: QStash OpenAPI document."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server import actions, filters
from qstash_cli.server.answers import answer
from qstash_cli.server.requests import parameters, service

_PAGE = 100
_MOST = 1000


async def _list(request: Request) -> Response:
    given = parameters(request)
    cursor = given.get("cursor", [None])[-1]
    most = filters.count(given, default=_PAGE, most=_MOST)
    found, following = await service(request).store.run(
        lambda connection: actions.page(connection, cursor=cursor, most=most)
    )
    states = {s.upper() for text in given.get("state", ()) for s in text.split(",")}
    # The state is looked at page by page, so that a page may be empty and not the last.
    shown = [one for one in found if not states or one["state"] in states]
    return answer({**({"cursor": following} if following else {}), "bulkActions": shown})


async def _get(request: Request) -> Response:
    action_id = request.path_params["action_id"]
    return answer(
        await service(request).store.run(lambda connection: actions.get(connection, action_id))
    )


ROUTES = [
    Route("/v2/bulkActions", _list, methods=["GET"]),
    Route("/v2/bulkActions/{action_id}", _get, methods=["GET"]),
]

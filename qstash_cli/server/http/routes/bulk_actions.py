"""Bulk actions: list and get. Source: QStash docs, "List bulk actions"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.http.requests import parameters, service
from qstash_cli.server.http.responses import answer
from qstash_cli.server.parameters import count, split
from qstash_cli.server.storage import bulk_actions

_PAGE = 100
_LIMIT = 1000


async def _list(request: Request) -> Response:
    api = service(request)
    given = parameters(request)
    cursor = given.get("cursor", [None])[-1]
    limit = count(given, default=_PAGE, limit=_LIMIT)
    found, following = await api.store.run(
        lambda connection: bulk_actions.page(
            connection, cursor=cursor, limit=limit, now_ms=api.clock.now_ms()
        )
    )
    states = {state.upper() for state in split("state", given.get("state", ()))}
    # The state filters each page by itself, so that a page may be empty and not the last.
    listed = [one for one in found if not states or one["state"] in states]
    return answer({**({"cursor": following} if following else {}), "bulkActions": listed})


async def _get(request: Request) -> Response:
    api = service(request)
    action_id = request.path_params["action_id"]
    return answer(
        await api.store.run(
            lambda connection: bulk_actions.get(connection, action_id, api.clock.now_ms())
        )
    )


ROUTES = [
    Route("/v2/bulkActions", _list, methods=["GET"]),
    Route("/v2/bulkActions/{action_id}", _get, methods=["GET"]),
]

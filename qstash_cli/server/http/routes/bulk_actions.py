"""Bulk actions: list and get. Source: QStash docs, "List bulk actions"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.http.requests import account_of, parameters
from qstash_cli.server.http.responses import respond
from qstash_cli.server.http.views import resources as views
from qstash_cli.server.parameters import count, split
from qstash_cli.server.services import bulk_actions

_DEFAULT_COUNT = 100
_MAX_COUNT = 1000


async def _list(request: Request) -> Response:
    given = parameters(request)
    found, following = await bulk_actions.list_page(
        account_of(request),
        cursor=given.get("cursor", [None])[-1],
        limit=count(given, default=_DEFAULT_COUNT, limit=_MAX_COUNT),
    )
    states = {state.upper() for state in split("state", given.get("state", ()))}
    listed = [views.bulk_action(one) for one in found]
    # The state filters each page by itself: a page may be empty without being the last.
    listed = [one for one in listed if not states or one["state"] in states]
    return respond({**({"cursor": following} if following else {}), "bulkActions": listed})


async def _get(request: Request) -> Response:
    action_id = request.path_params["action_id"]
    return respond(views.bulk_action(await bulk_actions.get(account_of(request), action_id)))


ROUTES = [
    Route("/v2/bulkActions", _list, methods=["GET"]),
    Route("/v2/bulkActions/{action_id}", _get, methods=["GET"]),
]

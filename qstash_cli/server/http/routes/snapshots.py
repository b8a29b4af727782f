"""Saving and loading all data of an account, for programs. QStash has no such operation."""

from __future__ import annotations

from base64 import b64decode, b64encode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import account_of, json_body, require_token
from qstash_cli.server.http.responses import respond
from qstash_cli.server.services import snapshots


async def _save(request: Request) -> Response:
    require_token(request)
    data = await snapshots.save(account_of(request))
    return respond({"snapshot": b64encode(data).decode()})


async def _load(request: Request) -> Response:
    require_token(request)
    given = await json_body(request)
    try:
        data = b64decode(given["snapshot"], validate=True)
    except (TypeError, KeyError, ValueError):
        raise ApiError(400, "the body has no snapshot in base64") from None
    await snapshots.load(request.app.state.accounts, request.state.user, data)
    return respond({})


ROUTES = [
    Route("/console/api/snapshot/save", _save, methods=["POST"]),
    Route("/console/api/snapshot/load", _load, methods=["POST"]),
]

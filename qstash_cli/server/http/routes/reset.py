"""Emptying an account, for tests. QStash has no such operation."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.http.requests import require_token
from qstash_cli.server.http.responses import respond


async def _reset(request: Request) -> Response:
    require_token(request)
    await request.app.state.accounts.reset(request.state.user)
    return respond({})


ROUTES = [Route("/console/api/reset", _reset, methods=["POST"])]

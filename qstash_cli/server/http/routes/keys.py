"""The signing keys. Source: QStash docs, "Signing keys"."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.http.requests import account_of
from qstash_cli.server.http.responses import respond
from qstash_cli.server.services import keys


async def _get(request: Request) -> Response:
    return respond(asdict(await keys.get(account_of(request))))


async def _rotate(request: Request) -> Response:
    return respond(asdict(await keys.rotate(account_of(request))))


ROUTES = [
    Route("/v2/keys", _get, methods=["GET"]),
    Route("/v2/keys/rotate", _rotate, methods=["POST"]),
    # The path that the Go SDK uses.
    Route("/v2/rotate", _rotate, methods=["POST"]),
]

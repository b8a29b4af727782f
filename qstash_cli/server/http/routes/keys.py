"""The signing keys. Source: QStash docs, "Signing keys"."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.http.requests import service
from qstash_cli.server.http.responses import answer
from qstash_cli.server.storage import keys


async def _get(request: Request) -> Response:
    return answer(asdict(await service(request).store.run(keys.read)))


async def _rotate(request: Request) -> Response:
    api = service(request)
    rotated = await api.store.run(lambda connection: keys.rotate(connection, api.new_id))
    return answer(asdict(rotated))


ROUTES = [
    Route("/v2/keys", _get, methods=["GET"]),
    Route("/v2/keys/rotate", _rotate, methods=["POST"]),
    # The Go SDK's name for it.
    Route("/v2/rotate", _rotate, methods=["POST"]),
]

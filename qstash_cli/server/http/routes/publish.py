"""Publish, enqueue and batch. Source: QStash docs, "Publish a message", "Enqueue", "Batch"."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.request_body import read_body
from qstash_cli.server.http.requests import (
    caller_ip,
    headers,
    json_body,
    rest_of_path,
    service,
)
from qstash_cli.server.http.responses import answer
from qstash_cli.server.http.routes import schedules
from qstash_cli.server.services import publishing
from qstash_cli.server.services.publishing import Order


async def _publish(request: Request) -> Response:
    given = headers(request)
    if any(name.lower() == "upstash-cron" for name, _ in given):
        return await schedules.create(request)
    return await _accept(request, given, rest_of_path(request, 2), None)


async def _enqueue(request: Request) -> Response:
    queue = request.path_params["queue"]
    return await _accept(request, headers(request), rest_of_path(request, 3), queue)


async def _accept(
    request: Request, given: Headers, destination: str, queue: str | None
) -> Response:
    api = service(request)
    order = Order(
        destination=destination,
        headers=given,
        body=await read_body(request),
        now_ms=api.clock.now_ms(),
        caller_ip=caller_ip(request),
        limits=api.limits,
        queue=queue,
    )
    accepted = await api.store.run(
        lambda connection: publishing.accept(connection, order, api.new_id)
    )
    api.engine.add_all(accepted.stored)
    return answer(accepted.answer, accepted.status)


async def _batch(request: Request) -> Response:
    api = service(request)
    items = await json_body(request)
    if not isinstance(items, list):
        raise ApiError(400, "the body is not a JSON array")
    now_ms = api.clock.now_ms()
    orders = [
        _order(number, item, now_ms, caller_ip(request))._replace(limits=api.limits)
        for number, item in enumerate(items)
    ]
    answers, stored = await api.store.run(
        lambda connection: publishing.batch(connection, orders, api.new_id)
    )
    api.engine.add_all(stored)
    return answer(answers)


def _order(number: int, item: Any, now_ms: int, caller: str) -> Order:
    if not isinstance(item, dict) or not isinstance(item.get("destination"), str):
        raise ApiError(400, f"item {number} has no destination")
    text = item.get("body")
    if not isinstance(text, str | None):
        raise ApiError(400, f"item {number}: the body is not a text")
    queue = item.get("queue") or None
    if not isinstance(queue, str | None):
        raise ApiError(400, f"item {number}: the queue is not a text")
    return Order(
        destination=item["destination"],
        headers=_headers(number, item.get("headers") or {}),
        body=(text or "").encode(errors="surrogatepass"),
        now_ms=now_ms,
        caller_ip=caller,
        queue=queue,
    )


def _headers(number: int, given: Any) -> Headers:
    if not isinstance(given, dict):
        raise ApiError(400, f"item {number}: the headers are not an object")
    # The Workflow SDK sends lists where one text is meant.
    return tuple(
        (name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for name, value in given.items()
    )


ROUTES = [
    Route("/v2/publish/{destination:path}", _publish, methods=["POST"]),
    Route("/v2/publish", _publish, methods=["POST"]),
    Route("/v2/enqueue/{queue}/{destination:path}", _enqueue, methods=["POST"]),
    Route("/v2/batch", _batch, methods=["POST"]),
]

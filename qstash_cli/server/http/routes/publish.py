"""Publish, enqueue and batch. Source: QStash docs, "Publish a message", "Enqueue", "Batch"."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import (
    account_of,
    caller_ip,
    json_body,
    publish_request,
)
from qstash_cli.server.http.responses import respond
from qstash_cli.server.http.routes import schedules
from qstash_cli.server.services import publishing
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.publish_rules import PublishRequest


async def _publish(request: Request) -> Response:
    wanted = await publish_request(request, 2)
    if any(name.lower() == "upstash-cron" for name, _ in wanted.headers):
        return await schedules.put(request, wanted)
    return await _accept(request, wanted)


async def _enqueue(request: Request) -> Response:
    wanted = await publish_request(request, 3)
    return await _accept(request, wanted._replace(queue=request.path_params["queue"]))


async def _accept(request: Request, wanted: PublishRequest) -> Response:
    result = await publishing.publish(account_of(request), wanted)
    # 202 if nothing was stored because every message is a duplicate.
    return respond(result.content, 201 if result.messages else 202)


async def _batch(request: Request) -> Response:
    wanted = await parse_items(request)
    return respond(await publishing.publish_batch(account_of(request), wanted))


async def parse_items(request: Request) -> list[PublishRequest]:
    """Returns the items of a batch. Raises `ApiError` if one of them is not valid."""
    account, items = account_of(request), await json_body(request)
    if not isinstance(items, list):
        raise ApiError(400, "the body is not a JSON array")
    now_ms, caller = account.clock.now_ms(), caller_ip(request)
    return [_parse_item(account, number, item, now_ms, caller) for number, item in enumerate(items)]


def _parse_item(
    account: Account, number: int, item: Any, now_ms: int, caller: str
) -> PublishRequest:
    if not isinstance(item, dict) or not isinstance(item.get("destination"), str):
        raise ApiError(400, f"item {number} has no destination")
    text = item.get("body")
    if isinstance(text, dict | list):
        # The workflow SDK sends the body of a call as its caller has passed it.
        text = json.dumps(text, ensure_ascii=False, separators=(",", ":"))
    if not isinstance(text, str | None):
        raise ApiError(400, f"item {number}: the body is not a string")
    queue = item.get("queue") or None
    if not isinstance(queue, str | None):
        raise ApiError(400, f"item {number}: the queue is not a string")
    return PublishRequest(
        destination=item["destination"],
        headers=_parse_headers(number, item.get("headers") or {}),
        body=(text or "").encode(errors="surrogatepass"),
        now_ms=now_ms,
        caller_ip=caller,
        queue=queue,
        limits=account.limits,
    )


def _parse_headers(number: int, given: Any) -> Headers:
    if not isinstance(given, dict):
        raise ApiError(400, f"item {number}: the headers are not an object")
    return tuple((name, _header_value(number, name, value)) for name, value in given.items())


def _header_value(number: int, name: str, given: Any) -> str:
    # The Workflow SDK sends lists where a string is expected.
    values = given if isinstance(given, list) else [given]
    if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in values):
        raise ApiError(400, f"item {number}: the value of {name} is not a string")
    # HTTP removes blanks around the value of a header, and no delivery could send them.
    return ", ".join(map(str, values)).strip(" \t")


ROUTES = [
    Route("/v2/publish/{destination:path}", _publish, methods=["POST"]),
    Route("/v2/publish", _publish, methods=["POST"]),
    Route("/v2/enqueue/{queue}/{destination:path}", _enqueue, methods=["POST"]),
    Route("/v2/batch", _batch, methods=["POST"]),
]

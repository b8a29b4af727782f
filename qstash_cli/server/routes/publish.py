"""Publish and enqueue. Source: QStash docs, "Publish a message", "Enqueue"."""

from __future__ import annotations

import hashlib
import sqlite3

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.destination import is_url
from qstash_cli.protocol.ids import check_name
from qstash_cli.protocol.options import MessageOptions, decode, refuse_contradictions
from qstash_cli.server import message
from qstash_cli.server.answers import ApiError, answer
from qstash_cli.server.message import DEDUPLICATION_MS, Draft
from qstash_cli.server.requests import Service, body, headers, rest_of_path, service

_BAD_SCHEME = "invalid destination url: endpoint has invalid scheme, add http:// or https://"


async def _publish(request: Request) -> Response:
    options = _options(request)
    return await _accept(request, rest_of_path(request, 2), options, options.queue)


async def _enqueue(request: Request) -> Response:
    queue = check_name(request.path_params["queue"], "queue")
    return await _accept(request, rest_of_path(request, 3), _options(request), queue)


async def _accept(
    request: Request, destination: str, options: MessageOptions, queue: str | None
) -> Response:
    api = service(request)
    _check_destination(destination)
    refuse_contradictions(options, "enqueue" if queue else "publish")
    now_ms = api.clock.now_ms()
    draft = Draft(
        url=destination,
        options=options,
        body=await body(request),
        created_ms=now_ms,
        due_ms=_due_ms(options, now_ms),
        caller_ip=request.client.host if request.client else "127.0.0.1",
        queue=queue,
    )
    message_id, is_new = await api.store.run(lambda connection: _store(connection, api, draft))
    if not is_new:
        return answer({"messageId": message_id, "deduplicated": True}, 202)
    api.engine.add(message_id, draft.due_ms, queue)
    return answer({"messageId": message_id}, 201)


def _check_destination(destination: str) -> None:
    if not destination:
        raise ApiError(400, "a non-empty destination must be provided")
    if is_url(destination):
        return
    if any(character in destination for character in ":/%?"):
        raise ApiError(400, _BAD_SCHEME)
    raise ApiError(404, f"topic {destination} not found")


def _options(request: Request) -> MessageOptions:
    given = headers(request)
    if any(n.lower() == "upstash-deduplication-id" and ":" in value for n, value in given):
        raise ApiError(400, "DeduplicationId cannot contain ':'")
    return decode(given)


def _due_ms(options: MessageOptions, now_ms: int) -> int:
    if options.not_before_s is not None:
        return max(now_ms, options.not_before_s * 1000)
    return now_ms + (options.delay_s or 0) * 1000


def _store(connection: sqlite3.Connection, api: Service, draft: Draft) -> tuple[str, bool]:
    key = _deduplication_key(draft)
    if key is None:
        return message.insert(connection, draft, api.new_id), True
    connection.execute("DELETE FROM deduplication WHERE until_ms <= ?", (draft.created_ms,))
    known = connection.execute(
        "SELECT message_id FROM deduplication WHERE key = ?", (key,)
    ).fetchone()
    if known:
        return known["message_id"], False
    message_id = message.insert(connection, draft, api.new_id)
    connection.execute(
        "INSERT INTO deduplication VALUES (?, ?, ?)",
        (key, message_id, draft.created_ms + DEDUPLICATION_MS),
    )
    return message_id, True


def _deduplication_key(draft: Draft) -> str | None:
    if draft.options.dedup_id is not None:
        return f"id:{draft.options.dedup_id}"
    if not draft.options.dedup_content:
        return None
    content = hashlib.sha256()
    parts = [draft.url, *(f"{n}: {v}" for n, v in sorted(draft.options.headers))]
    for part in (*(text.encode() for text in parts), draft.body):
        content.update(len(part).to_bytes(8) + part)
    return f"content:{content.hexdigest()}"


ROUTES = [
    Route("/v2/publish/{destination:path}", _publish, methods=["POST"]),
    Route("/v2/publish", _publish, methods=["POST"]),
    Route("/v2/enqueue/{queue}/{destination:path}", _enqueue, methods=["POST"]),
]

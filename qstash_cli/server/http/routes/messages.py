"""Messages: get, cancel, cancel many, retry now. Source: QStash docs, "Messages"."""

from __future__ import annotations

import sqlite3

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.delivery import attempts
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http import views
from qstash_cli.server.http.requests import bulk_parameters, service
from qstash_cli.server.http.responses import answer
from qstash_cli.server.services.bulk_cancel import parse_filter
from qstash_cli.server.storage import filters, message
from qstash_cli.server.storage.message import Message

# Guess: a message can be read for this long after its end; the docs say "shortly after".
READABLE_MS = 120_000


async def _get(request: Request) -> Response:
    api = service(request)
    message_id = request.path_params["message_id"]
    found = await api.store.run(lambda connection: message.find(connection, message_id))
    if found is None or _is_forgotten(found, api.clock.now_ms()):
        raise ApiError(404, f"message {message_id} not found")
    return answer(views.message(found))


def _is_forgotten(found: Message, now_ms: int) -> bool:
    ended_ms = found.row["ended_ms"]
    is_cancelled = found.status in {"cancelling", "cancelled"}
    return is_cancelled or (ended_ms is not None and now_ms > ended_ms + READABLE_MS)


async def _cancel(request: Request) -> Response:
    api = service(request)
    message_id = request.path_params["message_id"]

    def cancel(connection: sqlite3.Connection) -> None:
        found = message.find(connection, message_id)
        if found is None or found.status != "live":
            raise ApiError(404, f"message {message_id} not found")
        is_in_flight = api.engine.is_in_flight(message_id)
        attempts.cancel(connection, message_id, api.clock.now_ms(), is_in_flight=is_in_flight)

    await api.store.run(cancel)
    api.engine.forget([message_id])
    return answer({"cancelled": 1}, 202)


async def _retry_now(request: Request) -> Response:
    api = service(request)
    message_id = request.path_params["message_id"]

    def release(connection: sqlite3.Connection) -> None:
        found = message.find(connection, message_id)
        if found is None or found.status != "live":
            raise ApiError(404, f"message {message_id} not found")
        if found.queue is not None:
            raise ApiError(400, f"message {message_id} is in a queue and cannot be retried now")
        if not api.engine.is_waiting(message_id):
            raise ApiError(404, f"message {message_id} is not waiting for a delay or a retry")
        message.set_due(connection, message_id, api.clock.now_ms())

    await api.store.run(release)
    api.engine.release(message_id)
    # Guess: the documents show no content; JSON is what every SDK can parse.
    return answer({"messageId": message_id})


async def _cancel_many(request: Request) -> Response:
    given = await bulk_parameters(request)
    # Ids win over filters.
    if "messageIds" in given:
        return await _cancel_ids(request, given["messageIds"])
    api = service(request)
    wanted = parse_filter(given)
    if given.get("async", ["false"])[-1].lower() == "true":
        action_id, total = await api.bulk_cancels.accept(wanted)
        return answer({"cancelled": total, "actionId": action_id}, 202)
    return answer({"cancelled": await api.bulk_cancels.finish(wanted)}, 202)


async def _cancel_ids(request: Request, message_ids: list[str]) -> Response:
    api = service(request)
    wanted = filters.conditions(
        {"messageIds": message_ids}, filters.MESSAGE_FILTERS, time_column="", besides=frozenset()
    )

    def cancel(connection: sqlite3.Connection) -> list[str]:
        clause, values = filters.where(wanted)
        rows = connection.execute(
            f"SELECT id FROM messages WHERE status = 'live' AND {clause}",  # noqa: S608 - our own names
            values,
        ).fetchall()
        now_ms = api.clock.now_ms()
        for row in rows:
            is_in_flight = api.engine.is_in_flight(row["id"])
            attempts.cancel(connection, row["id"], now_ms, is_in_flight=is_in_flight)
        return [row["id"] for row in rows]

    cancelled = await api.store.run(cancel)
    api.engine.forget(cancelled)
    return answer({"cancelled": len(cancelled)}, 202)


ROUTES = [
    Route("/v2/messages/{message_id}", _get, methods=["GET"]),
    Route("/v2/messages/{message_id}", _cancel, methods=["DELETE"]),
    Route("/v2/messages/{message_id}/retry", _retry_now, methods=["POST"]),
    Route("/v2/messages", _cancel_many, methods=["DELETE"]),
]

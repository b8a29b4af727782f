"""Messages: get, cancel, cancel many, retry now. Source: QStash docs, "Messages"."""

from __future__ import annotations

import sqlite3

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server import actions, attempts, filters, message, views
from qstash_cli.server.answers import ApiError, answer
from qstash_cli.server.message import Message
from qstash_cli.server.requests import bulk_parameters, service

# Guess: a message can be read for this long after its end; the docs say "shortly after".
READABLE_MS = 120_000
_MOST = 500
_NO_FILTERS = frozenset({"count", "cursor", "async"})


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


async def _cancel_matching(request: Request) -> Response:
    api = service(request)
    given = await bulk_parameters(request)
    if "messageIds" in given:
        # Ids win over filters.
        given = {"messageIds": given["messageIds"]}
    conditions = filters.conditions(
        given, filters.MESSAGE_FILTERS, time_column="messages.created_ms", besides=_NO_FILTERS
    )
    most = filters.count(given, default=_MOST, most=_MOST)
    action_id, now_ms = api.new_id("bulk"), api.clock.now_ms()

    def cancel(connection: sqlite3.Connection) -> list[str]:
        clause, values = filters.where(conditions)
        rows = connection.execute(
            "SELECT id FROM messages WHERE status = 'live' AND "  # noqa: S608 - built of our own names
            f"{clause} ORDER BY seq LIMIT ?",
            (*values, most),
        ).fetchall()
        for row in rows:
            is_in_flight = api.engine.is_in_flight(row["id"])
            attempts.cancel(connection, row["id"], now_ms, is_in_flight=is_in_flight)
        if "messageIds" not in given:
            wanted = {name: values for name, values in given.items() if name not in _NO_FILTERS}
            actions.insert(connection, action_id, wanted, len(rows), now_ms)
        return [row["id"] for row in rows]

    cancelled = await api.store.run(cancel)
    api.engine.forget(cancelled)
    if given.get("async") == ["true"]:
        return answer({"actionId": action_id}, 202)
    return answer({"cancelled": len(cancelled)}, 202)


ROUTES = [
    Route("/v2/messages/{message_id}", _get, methods=["GET"]),
    Route("/v2/messages/{message_id}", _cancel, methods=["DELETE"]),
    Route("/v2/messages/{message_id}/retry", _retry_now, methods=["POST"]),
    Route("/v2/messages", _cancel_matching, methods=["DELETE"]),
]

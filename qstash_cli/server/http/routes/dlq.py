"""The dead letter queue. Source: QStash docs, "Dead letter queue"."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.option_headers import decode
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http import pages, views
from qstash_cli.server.http.requests import (
    bulk_parameters,
    headers,
    parameters,
    service,
)
from qstash_cli.server.http.responses import answer, encode
from qstash_cli.server.parameters import Parameters, count, number, trim_length
from qstash_cli.server.services import publishing, quota
from qstash_cli.server.services.accounts import Account
from qstash_cli.server.services.publishing import Stored
from qstash_cli.server.storage import filters
from qstash_cli.server.storage.message import Draft, Message

_MOST = 100
# The docs of different years disagree; this is the older and the tests' one.
_DEFAULT_ORDER = "earliestFirst"
_NO_FILTERS = frozenset({"count", "cursor", "order", "trimBody", "source"})
_SELECT = (
    "SELECT messages.*, dlq.seq AS dlq_seq, dlq.id AS dlq_id, dlq.status AS response_status, "
    "dlq.headers AS response_headers, dlq.body AS response_body "
    "FROM dlq JOIN messages ON messages.id = dlq.message_id WHERE "
)


async def _list(request: Request) -> Response:
    api = service(request)
    given = parameters(request)
    trim = trim_length(given)
    rows, cursor = await api.store.run(
        lambda connection: _page(connection, given, limit=pages.PAGE_BYTES)
    )
    entries = await pages.encoded(
        rows, lambda row: views.dlq_entry(Message(row), row, most_body=trim)
    )
    fields = [("cursor", encode(cursor))] if cursor else []
    return pages.json_object([*fields, ("messages", entries)])


async def _get(request: Request) -> Response:
    api = service(request)
    dlq_id = request.path_params["dlq_id"]
    row = await api.store.run(lambda connection: _entry(connection, dlq_id))
    return answer(views.dlq_entry(Message(row), row))


async def _delete(request: Request) -> Response:
    api = service(request)
    dlq_id = request.path_params["dlq_id"]

    def delete(connection: sqlite3.Connection) -> None:
        _entry(connection, dlq_id)
        _forget(connection, [dlq_id])

    await api.store.run(delete)
    return Response(status_code=200)


async def _delete_matching(request: Request) -> Response:
    api = service(request)
    given = await bulk_parameters(request)

    def delete(connection: sqlite3.Connection) -> tuple[int, str]:
        rows, cursor = _page(connection, given)
        _forget(connection, [row["dlq_id"] for row in rows])
        return len(rows), cursor

    deleted, cursor = await api.store.run(delete)
    return answer({"deleted": deleted, **({"cursor": cursor} if cursor else {})})


async def _retry(request: Request) -> Response:
    api = service(request)
    dlq_id = request.path_params["dlq_id"]
    overrides = _overrides(request)

    def retry(connection: sqlite3.Connection) -> Stored:
        return _again(connection, api, _entry(connection, dlq_id), overrides)

    stored = await api.store.run(retry)
    api.engine.add_all([stored])
    return answer({"messageId": stored.message_id}, 201)


async def _retry_matching(request: Request) -> Response:
    api = service(request)
    given = await bulk_parameters(request)
    overrides = _overrides(request)

    def retry(connection: sqlite3.Connection) -> tuple[list[Stored], str]:
        rows, cursor = _page(connection, given)
        wanted = given.get("dlqIds", [])
        if len(rows) < len([i for text in wanted for i in text.split(",")]) and not cursor:
            raise ApiError(404, "some messages not found")
        return [_again(connection, api, row, overrides) for row in rows], cursor

    retried, cursor = await api.store.run(retry)
    api.engine.add_all(retried)
    responses = [{"messageId": stored.message_id} for stored in retried]
    return answer({"cursor": cursor, "responses": responses}, 201)


def _overrides(request: Request) -> Headers:
    given = headers(request)
    decode(given)
    return tuple((n, v) for n, v in given if n.lower().startswith("upstash-"))


def _again(
    connection: sqlite3.Connection, api: Account, row: sqlite3.Row, overrides: Headers
) -> Stored:
    now_ms = api.clock.now_ms()
    named = {name.lower() for name, _ in overrides}
    kept = tuple((n, v) for n, v in json.loads(row["options"]) if n.lower() not in named)
    options = decode((*kept, *overrides))
    quota.check_message(api.limits, options, row["body"], now_ms)
    quota.check_day(connection, api.limits, 1, now_ms)
    draft = Draft(
        url=row["url"],
        options=replace(options, delay_s=None),
        body=row["body"],
        created_ms=now_ms,
        due_ms=now_ms + (options.delay_s or 0) * 1000,
        caller_ip=row["caller_ip"],
        topic=row["topic"],
        endpoint=row["endpoint"],
        schedule_id=row["schedule_id"],
        queue=row["queue"],
    )
    _forget(connection, [row["dlq_id"]])
    return publishing.store(connection, draft, api.new_id)


def _entry(connection: sqlite3.Connection, dlq_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(f"{_SELECT}dlq.id = ?", (dlq_id,)).fetchone()
    if row is None:
        raise ApiError(404, f"dlq message {dlq_id} not found")
    return row


def _forget(connection: sqlite3.Connection, dlq_ids: Sequence[str]) -> None:
    connection.executemany("DELETE FROM dlq WHERE id = ?", [(i,) for i in dlq_ids])


def _page(
    connection: sqlite3.Connection, given: Parameters, *, limit: int = sys.maxsize
) -> tuple[list[sqlite3.Row], str]:
    """The entries that the parameters select, of at most `limit` bytes, and the next cursor."""
    parts = filters.conditions(
        given, filters.DLQ_FILTERS, time_column="dlq.failed_ms", besides=_NO_FILTERS
    )
    if "workflow" in given.get("source", ()):
        parts.append(filters.Condition("0"))
    is_oldest_first = given.get("order", [_DEFAULT_ORDER])[-1] == "earliestFirst"
    order, sign = ("ASC", ">") if is_oldest_first else ("DESC", "<")
    if "cursor" in given:
        seq = number(given["cursor"][-1].rpartition("-")[2])
        parts.append(filters.Condition(f"dlq.seq {sign} ?", (seq,)))
    clause, values = filters.where(parts)
    page = count(given, default=_MOST, limit=_MOST)
    found = connection.execute(
        f"{_SELECT}{clause} ORDER BY dlq.seq {order} LIMIT ?", (*values, page + 1)
    )
    rows, has_more = pages.fitting(found, page, ("body", "response_body"), limit)
    return rows, rows[-1]["dlq_id"] if has_more else ""


ROUTES = [
    Route("/v2/dlq", _list, methods=["GET"]),
    Route("/v2/dlq", _delete_matching, methods=["DELETE"]),
    Route("/v2/dlq/retry", _retry_matching, methods=["POST"]),
    Route("/v2/dlq/retry/{dlq_id}", _retry, methods=["POST"]),
    Route("/v2/dlq/{dlq_id}", _get, methods=["GET"]),
    Route("/v2/dlq/{dlq_id}", _delete, methods=["DELETE"]),
]

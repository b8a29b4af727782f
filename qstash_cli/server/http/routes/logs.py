"""The log, under both of its names. Source: QStash docs, "Logs"."""

from __future__ import annotations

import sqlite3
import sys
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.errors import ApiError
from qstash_cli.server.http import pages, views
from qstash_cli.server.http.requests import parameters, service
from qstash_cli.server.http.responses import encode
from qstash_cli.server.parameters import Parameters, number, trim_length
from qstash_cli.server.parameters import count as count_of
from qstash_cli.server.storage import filters
from qstash_cli.server.storage.message import Message

_MOST = 1000
_DEFAULT_GROUPS = 10
_NO_FILTERS = frozenset({"count", "cursor", "order", "groupBy", "trimBody"})
_FROM = "FROM logs JOIN messages ON messages.id = logs.message_id WHERE "
_SIZED = ("body", "details")


async def _logs(request: Request) -> Response:
    return await _list(request, spelling="CANCELLED")


async def _events(request: Request) -> Response:
    return await _list(request, spelling="CANCELED")


async def _list(request: Request, *, spelling: str) -> Response:
    api = service(request)
    given = parameters(request)
    trim = trim_length(given)
    if _is_grouped(given):
        grouped = await api.store.run(lambda connection: _groups(connection, given, trim))
        return await _grouped_page(grouped, trim, spelling)
    rows, has_more = await api.store.run(lambda connection: _rows(connection, given, trim))
    entries = await pages.encoded(rows, lambda row: _entry(row, trim, spelling))
    fields = [("cursor", encode(str(rows[-1]["log_seq"])))] if has_more else []
    names = ["events"]
    # Older documents call the list of /v2/logs events. A large one is not sent twice.
    if spelling == "CANCELLED":
        names = ["logs", "events"] if len(entries) <= 2 * pages.PAGE_BYTES else ["logs"]
    return pages.json_object([*fields, *((name, entries) for name in names)])


def _entry(row: sqlite3.Row, trim: int | None, spelling: str) -> dict[str, Any]:
    entry = views.log_entry(Message(row), row, most_body=trim)
    if entry["state"] == "CANCELLED":
        entry["state"] = spelling
    return entry


def _is_grouped(given: Parameters) -> bool:
    wanted = given.get("groupBy")
    if wanted and list(wanted) != ["messageId"]:
        raise ApiError(400, f"unknown groupBy: {wanted[-1]}")
    return bool(wanted)


class _Query(NamedTuple):
    """The filters of a request as SQL; `order` is ASC or DESC, and `sign` leads to later pages."""

    clause: str
    values: tuple[Any, ...]
    order: str
    sign: str
    cursor: int | None


def _query(given: Parameters) -> _Query:
    parts = filters.conditions(
        given, filters.LOG_FILTERS, time_column="time_ms", besides=_NO_FILTERS
    )
    is_oldest_first = given.get("order", ["latestFirst"])[-1] == "earliestFirst"
    order, sign = ("ASC", ">") if is_oldest_first else ("DESC", "<")
    cursor = number(given["cursor"][-1]) if "cursor" in given else None
    return _Query(*filters.where(parts), order, sign, cursor)


def _select(trim: int | None) -> str:
    """The columns of an entry. What is trimmed is not read from the database at all."""
    body, details = "body", "details"
    if trim is not None:
        # Of a redacted body the hash is listed, which needs the whole of it.
        first = f"ifnull(substr(body, 1, {trim}), x'')"
        body = f"iif(instr(options, 'Upstash-Redact-Fields'), body, {first})"
        base64_length = (trim + 2) // 3 * 4
        details = (
            "iif(instr(details, '\"responseBody\"'), json_set(details, '$.responseBody', "
            f"substr(json_extract(details, '$.responseBody'), 1, {base64_length})), details)"
        )
    return (
        "SELECT messages.id, status, url, retried, due_ms, queue, options, caller_ip, topic, "
        f"endpoint, schedule_id, {body} AS body, logs.seq AS log_seq, time_ms, state, "
        f"{details} AS details {_FROM}"
    )


def _rows(
    connection: sqlite3.Connection, given: Parameters, trim: int | None
) -> tuple[list[sqlite3.Row], bool]:
    query = _query(given)
    count = count_of(given, default=_MOST, limit=_MOST)
    after, values = ("", query.values)
    if query.cursor is not None:
        after, values = f" AND logs.seq {query.sign} ?", (*query.values, query.cursor)
    found = connection.execute(
        f"{_select(trim)}{query.clause}{after} ORDER BY logs.seq {query.order} LIMIT ?",
        (*values, count + 1),
    )
    return pages.fitting(found, count, _SIZED)


class _Groups(NamedTuple):
    """The entries of some messages, in order, and the cursor of the next ones if there are any."""

    rows: list[list[sqlite3.Row]]
    cursor: str | None


def _groups(connection: sqlite3.Connection, given: Parameters, trim: int | None) -> _Groups:
    query = _query(given)
    count = count_of(given, default=_DEFAULT_GROUPS, limit=_MOST)
    having, values = ("", query.values)
    if query.cursor is not None:
        having, values = f" HAVING last_seq {query.sign} ?", (*query.values, query.cursor)
    messages = connection.execute(
        f"SELECT messages.id, max(logs.seq) AS last_seq {_FROM}{query.clause} "
        f"GROUP BY messages.id{having} ORDER BY last_seq {query.order} LIMIT ?",
        (*values, count + 1),
    ).fetchall()
    groups: list[list[sqlite3.Row]] = []
    size = 0
    for message in messages[:count]:
        entries = _of_message(connection, message["id"], query.order, trim)
        size += pages.size_of(entries, _SIZED)
        if groups and size > pages.PAGE_BYTES:
            break
        groups.append(entries)
    has_more = len(groups) < len(messages)
    return _Groups(groups, str(messages[len(groups) - 1]["last_seq"]) if has_more else None)


def _of_message(
    connection: sqlite3.Connection, message_id: str, order: str, trim: int | None
) -> list[sqlite3.Row]:
    """The entries of a message, without their bodies if they are longer than a page with them."""
    rows, has_more = pages.fitting(
        connection.execute(_of_one(order, trim), (message_id,)), sys.maxsize, _SIZED
    )
    if not has_more:
        return rows
    return connection.execute(_of_one(order, 0), (message_id,)).fetchall()


def _of_one(order: str, trim: int | None) -> str:
    return f"{_select(trim)}logs.message_id = ? ORDER BY logs.seq {order}"


async def _grouped_page(found: _Groups, trim: int | None, spelling: str) -> Response:
    messages = [
        b'{"messageId":'
        + encode(rows[0]["id"])
        + b',"events":'
        + await pages.encoded(rows, lambda row: _entry(row, trim, spelling))
        + b"}"
        for rows in found.rows
    ]
    cursor = [] if found.cursor is None else [("cursor", encode(found.cursor))]
    return pages.json_object([*cursor, ("messages", b"[" + b",".join(messages) + b"]")])


ROUTES = [
    Route("/v2/logs", _logs, methods=["GET"]),
    Route("/v2/events", _events, methods=["GET"]),
]

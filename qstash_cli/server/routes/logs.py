"""The log, under both of its names. Source: QStash docs, "Logs"."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server import filters, views
from qstash_cli.server.answers import ApiError, answer
from qstash_cli.server.message import Message
from qstash_cli.server.requests import parameters, service

_MOST = 1000
_DEFAULT_GROUPS = 10
_NO_FILTERS = frozenset({"count", "cursor", "order", "groupBy", "trimBody"})
_SELECT = (
    "SELECT messages.*, logs.seq AS log_seq, time_ms, state, details "
    "FROM logs JOIN messages ON messages.id = logs.message_id WHERE "
)
_INNER = "SELECT messages.id FROM logs JOIN messages ON messages.id = logs.message_id WHERE "


async def _logs(request: Request) -> Response:
    return await _list(request, spelling="CANCELLED")


async def _events(request: Request) -> Response:
    return await _list(request, spelling="CANCELED")


async def _list(request: Request, *, spelling: str) -> Response:
    api = service(request)
    given = parameters(request)
    is_grouped = _is_grouped(given)
    page = filters.count(given, default=_DEFAULT_GROUPS if is_grouped else _MOST, most=_MOST)
    most_body = _most_body(given)
    rows = await api.store.run(lambda connection: _rows(connection, given, page, is_grouped))
    has_more = len(rows) > page if not is_grouped else False
    entries = []
    for row in rows if is_grouped else rows[:page]:
        entry = views.log_entry(Message(row), row, most_body=most_body)
        if entry["state"] == "CANCELLED":
            entry["state"] = spelling
        entries.append(entry)
    if is_grouped:
        return answer({"messages": _grouped(entries)})
    cursor = {"cursor": str(rows[page - 1]["log_seq"])} if has_more else {}
    names = ("logs", "events") if spelling == "CANCELLED" else ("events",)
    return answer({**cursor, **dict.fromkeys(names, entries)})


def _is_grouped(given: filters.Values) -> bool:
    wanted = given.get("groupBy")
    if wanted and list(wanted) != ["messageId"]:
        raise ApiError(400, f"unknown groupBy: {wanted[-1]}")
    return bool(wanted)


def _most_body(given: filters.Values) -> int | None:
    texts = given.get("trimBody")
    if not texts or texts[-1] == "-1":
        return 0 if texts else None
    return filters.number(texts[-1])


def _rows(
    connection: sqlite3.Connection, given: filters.Values, page: int, is_grouped: bool
) -> Sequence[sqlite3.Row]:
    parts = filters.conditions(
        given, filters.LOG_FILTERS, time_column="time_ms", besides=_NO_FILTERS
    )
    is_oldest_first = given.get("order", ["latestFirst"])[-1] == "earliestFirst"
    order, sign = ("ASC", ">") if is_oldest_first else ("DESC", "<")
    if "cursor" in given:
        parts.append(
            filters.Condition(f"logs.seq {sign} ?", (filters.number(given["cursor"][-1]),))
        )
    clause, values = filters.where(parts)
    if is_grouped:
        inner = f"{_INNER}{clause} GROUP BY messages.id ORDER BY max(logs.seq) {order} LIMIT {page}"
        outer = f"{_SELECT}logs.message_id IN ({inner}) ORDER BY logs.seq {order}"
        return connection.execute(outer, values).fetchall()
    return connection.execute(
        f"{_SELECT}{clause} ORDER BY logs.seq {order} LIMIT ?", (*values, page + 1)
    ).fetchall()


def _grouped(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        groups.setdefault(entry["messageId"], []).append(entry)
    return [{"messageId": name, "events": events} for name, events in groups.items()]


ROUTES = [
    Route("/v2/logs", _logs, methods=["GET"]),
    Route("/v2/events", _events, methods=["GET"]),
]

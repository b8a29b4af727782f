"""The log, under both of its paths. Source: QStash docs, "Logs"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.http import pages
from qstash_cli.server.http.requests import account_of, parameters
from qstash_cli.server.http.responses import encode
from qstash_cli.server.http.views import messages as views
from qstash_cli.server.parameters import trim_length
from qstash_cli.server.services import logs
from qstash_cli.server.services.logs import GroupedLogPage, LogEntry

# A longer list of entries is sent under one name only.
_MAX_SENT_TWICE_BYTES = 8 * 1_048_576


async def _logs(request: Request) -> Response:
    return await _list(request, spelling="CANCELLED")


async def _events(request: Request) -> Response:
    return await _list(request, spelling="CANCELED")


async def _list(request: Request, *, spelling: str) -> Response:
    account, given = account_of(request), parameters(request)
    trim = trim_length(given)

    def as_json(entry: LogEntry) -> dict[str, Any]:
        found = views.log_entry(entry, body_limit=trim)
        if found["state"] == "CANCELLED":
            found["state"] = spelling
        return found

    if logs.is_grouped(given):
        return await _respond_grouped(await logs.list_groups(account, given, trim), as_json)
    page = await logs.list_entries(account, given, trim)
    entries = await pages.encoded(page.entries, as_json)
    fields = [] if page.cursor is None else [("cursor", encode(page.cursor))]
    names = ["events"]
    # Older documents call the list of /v2/logs events.
    if spelling == "CANCELLED":
        names = ["logs", "events"] if len(entries) <= _MAX_SENT_TWICE_BYTES else ["logs"]
    return pages.json_object([*fields, *((name, entries) for name in names)])


async def _respond_grouped(
    page: GroupedLogPage, as_json: Callable[[LogEntry], dict[str, Any]]
) -> Response:
    messages = [
        b'{"messageId":'
        + encode(entries[0].message.id)
        + b',"events":'
        + await pages.encoded(entries, as_json)
        + b"}"
        for entries in page.groups
    ]
    cursor = [] if page.cursor is None else [("cursor", encode(page.cursor))]
    return pages.json_object([*cursor, ("messages", b"[" + b",".join(messages) + b"]")])


ROUTES = [
    Route("/v2/logs", _logs, methods=["GET"]),
    Route("/v2/events", _events, methods=["GET"]),
]

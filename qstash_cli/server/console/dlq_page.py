"""The page of the dead letter queue, and what its buttons do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from qstash_cli.errors import BadInput
from qstash_cli.server.console import rendering
from qstash_cli.server.console.forms import Done, Fields, action_of, notice, read_fields
from qstash_cli.server.console.page_context import base_context
from qstash_cli.server.console.rendering import Handler, handler
from qstash_cli.server.http.requests import account_of
from qstash_cli.server.services import dlq_groups
from qstash_cli.server.services.dlq_groups import DlqQuery, MessageFilter

# Of each group; a group on a page of its own has a whole page.
_NEWEST, _PAGE = 20, 100
FILTERS = ("text", "destination", "queue", "group", "label", "schedule")


async def _context(request: Request) -> dict[str, Any]:
    given = request.query_params
    query = _query(lambda name: given.get(name, ""))
    before = given.get("before", "")
    found = await dlq_groups.group(
        account_of(request),
        query,
        before=int(before) if before.isdecimal() else None,
        limit=_PAGE if query.reason_key else _NEWEST,
    )
    selection = _selection(query)
    return base_context(request) | {
        "found": found,
        "wanted": query.wanted,
        "reason_key": query.reason_key,
        "before": before,
        "selection": selection | {"until": found.newest_seq},
        "query": urlencode(selection | ({"before": before} if before else {})),
        "queries": {
            one.reason.key: urlencode(selection | {"reason": one.reason.key})
            for one in found.groups
        },
    }


def _query(get: Callable[[str], str]) -> DlqQuery:
    wanted = MessageFilter(**{name: get(name).strip() for name in FILTERS})
    return DlqQuery(wanted, get("reason"))


def _selection(query: DlqQuery) -> dict[str, str]:
    """The parts of a query that are given, by the name of their field."""
    named = {**query.wanted._asdict(), "reason": query.reason_key}
    return {name: value for name, value in named.items() if value}


async def _groups(request: Request) -> Response:
    """The groups alone; the filters of the form become the URL of the page."""
    context = await _context(request)
    response = rendering.page("dlq_groups.html", context)
    if request.query_params.get("from") == "form":
        query = context["query"]
        response.headers["HX-Replace-Url"] = f"/console/dlq?{query}" if query else "/console/dlq"
    return response


async def _change(request: Request) -> Response:
    """Retries or deletes the entries that are named, or all that match."""
    account, fields = account_of(request), await read_fields(request)
    action = action_of(request, "retry", "delete")
    until = fields.get("until")
    if until.isdecimal():
        ids = await dlq_groups.select_ids(account, _query(fields.get), until=int(until))
    else:
        ids = _named(fields)
    if action == "delete":
        deleted = await dlq_groups.delete_all(account, ids)
        return notice(request, Done(f"Deleted {_entries(deleted)}"))
    retried = await dlq_groups.retry_all(account, ids)
    return notice(request, Done(f"Retried {_entries(retried)}", "/"))


def _named(fields: Fields) -> list[str]:
    if not (ids := fields.all("id")):
        raise BadInput("no entry is selected")
    return ids


def _entries(count: int) -> str:
    return f"{count} DLQ {'entry' if count == 1 else 'entries'}"


PAGES: Mapping[str, Handler] = {
    "/console/dlq": handler("dlq.html", _context),
    "/console/dlq/groups": _groups,
}
ACTIONS: Mapping[str, Callable[[Request], Awaitable[Response]]] = {"/console/dlq/{action}": _change}

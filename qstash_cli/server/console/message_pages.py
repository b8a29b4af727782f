"""The list of messages, one message, and the fragments that keep both current."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from qstash_cli.protocol import signature
from qstash_cli.protocol.claim_checks import Expectation
from qstash_cli.protocol.headers import as_lists
from qstash_cli.server.console import message_rows, rendering, send_form, snippets, timeline
from qstash_cli.server.console.page_context import base_context, server_of
from qstash_cli.server.console.rendering import Handler, handler
from qstash_cli.server.http import redaction
from qstash_cli.server.http.requests import account_of
from qstash_cli.server.services import overview
from qstash_cli.server.services.overview import MessageDetails, MessageFilter

_ROWS = 100


async def message_rows_fragment(request: Request) -> Response:
    """The rows of the list alone; the filters of the form become the URL of the page."""
    context = await _list_context(request)
    response = rendering.page("message_rows.html", context)
    if request.query_params.get("from") == "form":
        response.headers["HX-Replace-Url"] = f"/?{context['query']}" if context["query"] else "/"
    return response


async def _list_context(request: Request) -> dict[str, Any]:
    account = account_of(request)
    given = request.query_params
    wanted = MessageFilter(**{name: given.get(name, "").strip() for name in MessageFilter._fields})
    before = given.get("before", "")
    found = await overview.list_messages(
        account, wanted, before=int(before) if before.isdecimal() else None, limit=_ROWS
    )
    filters = {name: value for name, value in wanted._asdict().items() if value}
    older = None
    if found.page.before is not None:
        older = urlencode({**filters, "before": str(found.page.before)})
    return base_context(request) | {
        "rows": [
            message_rows.row_of(one, is_in_flight=account.engine.is_in_flight(one.message.id))
            for one in found.page.messages
        ],
        "wanted": wanted,
        "states": [(name, message_rows.BADGES[name], found.counts[name]) for name in found.counts],
        "total": sum(found.counts.values()),
        "query": urlencode(filters),
        "older": older,
        "is_first_page": not before,
        "queries": {name: urlencode({**filters, "state": name}) for name in (*found.counts, "")},
    }


async def _message_context(request: Request) -> dict[str, Any]:
    """One message: its timeline, its request, its responses, and the possible actions."""
    account = account_of(request)
    found = await overview.get_details(account, request.path_params["message_id"])
    stored, options = found.message, found.message.options
    body = redaction.body(options.redact, stored.body)
    headers = redaction.headers(options.redact, as_lists(options.headers))
    displayed = tuple((name, value) for name, values in headers.items() for value in values)
    context = base_context(request)
    is_live = stored.status == "live"
    return context | {
        "message": stored,
        "options": _option_rows(found),
        "badge": message_rows.badge_of(stored, is_in_flight=found.is_in_flight),
        "segments": timeline.segments_of(found.entries, account.clock.now_ms()),
        "timeline_width": timeline.WIDTH,
        "attempts": timeline.attempts_of(found.entries),
        "headers": headers,
        "body": body,
        "callbacks": found.callbacks,
        "dlq_id": found.dlq_id,
        "signature": _signature(found, account.clock.now_s(), account.new_id("jwt")),
        "snippets": snippets.snippets(
            server_of(context), stored.url, replace(options, headers=displayed), body
        ),
        "is_body_in_snippets": bool(snippets.argument_of(body)) or not body,
        "can_run": is_live and stored.queue is None and account.engine.is_waiting(stored.id),
        "can_cancel": is_live,
        "can_edit": not options.redact,
    }


def _option_rows(found: MessageDetails) -> list[tuple[str, str]]:
    stored = found.message
    form = send_form.form_of(stored.url, stored.options, b"")
    rows = [(flag.replace("-", " "), text) for flag, text in form.options.items()]
    named = {"queue": stored.queue, "group": stored.url_group, "schedule": stored.schedule_id}
    return [*((name, value) for name, value in named.items() if value), *rows]


class _Signature(NamedTuple):
    """The claims of a token, as JSON, and whether a receiver accepts it."""

    claims: str
    is_valid: bool
    failed: str


def _signature(found: MessageDetails, now_s: float, token_id: str) -> _Signature:
    """Signs the message as a delivery made now would be, and verifies that token."""
    stored = found.message
    token = signature.sign(
        found.signing_key, url=stored.url, body=stored.body, now=now_s, token_id=token_id
    )
    report = signature.verify(
        token,
        Expectation(
            keys=(("current", found.signing_key),), url=stored.url, body=stored.body, now=now_s
        ),
    )
    return _Signature(
        claims=json.dumps(report.claims, indent=2, ensure_ascii=False),
        is_valid=report.valid,
        failed=", ".join(report.failed),
    )


async def body(request: Request) -> Response:
    """The body of a message as a file."""
    found = await overview.get_details(account_of(request), request.path_params["message_id"])
    data = redaction.body(found.message.options.redact, found.message.body)
    headers = {
        **rendering.SECURITY_HEADERS,
        "Content-Disposition": f'attachment; filename="{found.message.id}.bin"',
    }
    return Response(data, media_type="application/octet-stream", headers=headers)


PAGES: Mapping[str, Handler] = {
    "/": handler("messages.html", _list_context),
    "/console/messages/rows": message_rows_fragment,
    "/console/messages/{message_id}": handler("message.html", _message_context),
    "/console/messages/{message_id}/details": handler("message_details.html", _message_context),
    "/console/messages/{message_id}/body": body,
}

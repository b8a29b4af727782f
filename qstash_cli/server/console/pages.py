"""The pages of the console, and the fragments that keep them current."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from qstash_cli.protocol import signature
from qstash_cli.protocol.claim_checks import Expectation
from qstash_cli.protocol.cron import fires, parse_cron
from qstash_cli.server.console import charts, message_rows, rendering, send_form, snippets, timeline
from qstash_cli.server.http import redaction
from qstash_cli.server.http.requests import account_of
from qstash_cli.server.http.responses import respond
from qstash_cli.server.services import (
    clock,
    dlq,
    flow_control,
    keys,
    overview,
    queues,
    schedules,
    url_groups,
)
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.dlq import DlqEntry
from qstash_cli.server.services.overview import MessageDetails, MessageFilter

_ROWS = 100
_NEXT_RUNS = 5


def base_context(request: Request) -> dict[str, Any]:
    """What every page displays: the token for writes, the user, and the server's URL."""
    account: Account | None = getattr(request.state, "account", None)
    return {
        "token": request.app.state.token,
        "user": account.name if account else "",
        "server_url": f"{request.url.scheme}://{request.url.netloc}",
        "path": request.url.path,
    }


async def messages(request: Request) -> Response:
    """The list of messages; its filters are the parameters of the URL."""
    return rendering.page("messages.html", await _list_context(request))


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


async def message(request: Request) -> Response:
    """One message: its timeline, its request, its responses, and what can be done with it."""
    return rendering.page("message.html", await _message_context(request))


async def message_fragment(request: Request) -> Response:
    """The same without the frame of the page."""
    return rendering.page("message_details.html", await _message_context(request))


async def _message_context(request: Request) -> dict[str, Any]:
    account = account_of(request)
    found = await overview.get_details(account, request.path_params["message_id"])
    stored, options = found.message, found.message.options
    body = redaction.body(options.redact, stored.body)
    context = base_context(request)
    is_live = stored.status == "live"
    return context | {
        "message": stored,
        "options": _option_rows(found),
        "badge": message_rows.badge_of(stored, is_in_flight=found.is_in_flight),
        "segments": timeline.segments_of(found.entries, account.clock.now_ms()),
        "timeline_width": timeline.WIDTH,
        "attempts": timeline.attempts_of(found.entries),
        "headers": redaction.headers(options.redact, _lists(options.headers)),
        "body": body,
        "callbacks": found.callbacks,
        "dlq_id": found.dlq_id,
        "signature": _signature(found, account.clock.now_s(), account.new_id("jwt")),
        "snippets": snippets.snippets(context["server_url"], stored.url, options, body),
        "is_body_in_snippets": bool(snippets.text_of(body)) or not body,
        "can_run": is_live and stored.queue is None and account.engine.is_waiting(stored.id),
        "can_cancel": is_live,
    }


def _lists(headers: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def _option_rows(found: MessageDetails) -> list[tuple[str, str]]:
    stored = found.message
    form = send_form.form_of(stored.url, stored.options, b"")
    rows = [
        (name.removesuffix("_s").replace("_", " "), text) for name, text in form.options.items()
    ]
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


async def dead_letters(request: Request) -> Response:
    """The dead letter queue, grouped by the reason of the failures."""
    return rendering.page("dlq.html", await _dlq_context(request))


async def dead_letters_fragment(request: Request) -> Response:
    """The groups alone."""
    return rendering.page("dlq_groups.html", await _dlq_context(request))


async def _dlq_context(request: Request) -> dict[str, Any]:
    page = await dlq.list_entries(account_of(request), {"order": ["latestFirst"]})
    groups: dict[tuple[int, str, str], list[DlqEntry]] = {}
    for entry in page.entries:
        groups.setdefault(
            (entry.response_status, entry.message.url, _first_line(entry)), []
        ).append(entry)
    return base_context(request) | {
        "groups": [
            {"status": status, "url": url, "line": line, "entries": entries}
            for (status, url, line), entries in groups.items()
        ],
        "total": len(page.entries),
        "has_more": bool(page.cursor),
    }


def _first_line(entry: DlqEntry) -> str:
    first, _, _ = entry.response_body[:200].decode(errors="replace").strip().partition("\n")
    return first


async def send(request: Request) -> Response:
    """The form that publishes a message, filled with a message that is sent again."""
    form = send_form.SendForm("", "", "", {})
    message_id = request.query_params.get("again")
    if message_id:
        found = (await overview.get_details(account_of(request), message_id)).message
        form = send_form.form_of(found.url, found.options, found.body)
        if found.body and not snippets.text_of(found.body):
            form = form._replace(body="", body_of=message_id)
    return rendering.page("send.html", form_context(request, form))


def form_context(request: Request, form: send_form.SendForm) -> dict[str, Any]:
    """What the form displays."""
    return base_context(request) | {"form": form, "groups": send_form.groups_of(form)}


async def schedules_page(request: Request) -> Response:
    """The schedules with their next runs."""
    return rendering.page("schedules.html", await _schedules_context(request))


async def schedules_fragment(request: Request) -> Response:
    """The schedules alone."""
    return rendering.page("schedule_rows.html", await _schedules_context(request))


async def _schedules_context(request: Request) -> dict[str, Any]:
    account = account_of(request)
    now_s = account.clock.now_ms() / 1000
    states = [state async for state in schedules.list_all(account)]
    return base_context(request) | {
        "schedules": [{"state": state, "runs": _next_runs(state, now_s)} for state in states]
    }


class _Run(NamedTuple):
    """A run of a schedule: in its own zone, and with the effect of a daylight saving change."""

    local: str
    change: str
    at_ms: int


def _next_runs(state: schedules.ScheduleState, now_s: float) -> list[_Run]:
    if state.next_ms is None:
        return []
    return [
        _Run(fire.local.strftime("%a %d %b %Y %H:%M %Z"), fire.change, fire.at_s * 1000)
        for fire in islice(fires(parse_cron(state.schedule.cron), now_s), _NEXT_RUNS)
    ]


async def routing(request: Request) -> Response:
    """Queues, flow control keys and URL groups."""
    return rendering.page("routing.html", await _routing_context(request))


async def routing_fragment(request: Request) -> Response:
    """Their tables alone."""
    return rendering.page("routing_tables.html", await _routing_context(request))


async def _routing_context(request: Request) -> dict[str, Any]:
    account = account_of(request)
    return base_context(request) | {
        "queues": await queues.list_all(account),
        "flows": flow_control.list_all(account, ""),
        "groups": await url_groups.list_all(account),
    }


async def body(request: Request) -> Response:
    """The body of a message as a file."""
    found = await overview.get_details(account_of(request), request.path_params["message_id"])
    data = redaction.body(found.message.options.redact, found.message.body)
    headers = {
        **rendering.SECURITY_HEADERS,
        "Content-Disposition": f'attachment; filename="{found.message.id}.bin"',
    }
    return Response(data, media_type="application/octet-stream", headers=headers)


async def overview_page(request: Request) -> Response:
    """Charts of the last minutes, what fails, what is due next, and the clock."""
    return rendering.page("overview.html", await _overview_context(request))


async def overview_fragment(request: Request) -> Response:
    """The tables of the overview alone."""
    return rendering.page("overview_tables.html", await _overview_context(request))


async def _overview_context(request: Request) -> dict[str, Any]:
    account = account_of(request)
    found = await overview.get_activity(account, period_ms=charts.PERIOD_MS)
    return base_context(request) | {
        "failing": found.failing,
        "due": found.due,
        "now_ms": account.clock.now_ms(),
        "speed": account.clock.speed,
        "next_ms": await clock.next_due_ms(account),
        "keys": await keys.get(account),
        "api_token": request.state.user.token,
    }


async def overview_data(request: Request) -> Response:
    """The series of the charts as JSON."""
    account = account_of(request)
    found = await overview.get_activity(account, period_ms=charts.PERIOD_MS)
    return respond(charts.series_of(found.steps, account.clock.now_ms())._asdict())


PAGES: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
    "/console/messages/rows": message_rows_fragment,
    "/console/messages/{message_id}": message,
    "/console/messages/{message_id}/details": message_fragment,
    "/console/messages/{message_id}/body": body,
    "/console/dlq": dead_letters,
    "/console/dlq/groups": dead_letters_fragment,
    "/console/send": send,
    "/console/schedules": schedules_page,
    "/console/schedules/rows": schedules_fragment,
    "/console/routing": routing,
    "/console/routing/tables": routing_fragment,
    "/console/overview": overview_page,
    "/console/overview/tables": overview_fragment,
    "/console/overview/data": overview_data,
}

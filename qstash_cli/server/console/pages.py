"""The pages without a module of their own, and the fragments that keep them current."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from qstash_cli.protocol.cron import fires, parse_cron
from qstash_cli.server.console import charts, connecting, rendering, send_form, snippets
from qstash_cli.server.console.page_context import base_context
from qstash_cli.server.console.rendering import Handler, handler
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import account_of
from qstash_cli.server.http.responses import respond
from qstash_cli.server.services import (
    clock,
    flow_control,
    keys,
    overview,
    queues,
    schedules,
    url_groups,
)
from qstash_cli.server.services.overview import MessageFilter

_NEXT_RUNS = 5
_RECENT = 20


async def send(request: Request) -> Response:
    """The form that publishes a message, filled with a message that is sent again."""
    form = send_form.SendForm("", "", "", {})
    message_id = request.query_params.get("again")
    if message_id:
        found = (await overview.get_details(account_of(request), message_id)).message
        if found.options.redact:
            raise ApiError(400, f"message {message_id} has redacted fields and cannot be edited")
        form = send_form.form_of(found.url, found.options, found.body)
        if found.body and not snippets.text_of(found.body):
            form = form._replace(body="", body_of=message_id)
    recent = await overview.list_messages(
        account_of(request), MessageFilter(), before=None, limit=_RECENT
    )
    presets = {
        one.message.url: one.message.id
        for one in reversed(recent.page.messages)
        if not one.message.options.redact
    }
    context = base_context(request) | {"form": form, "groups": send_form.groups_of(form)}
    return rendering.page("send.html", context | {"presets": presets})


async def _schedules_context(request: Request) -> dict[str, Any]:
    """The schedules with their next runs, and the one that is edited."""
    account = account_of(request)
    now_s = account.clock.now_ms() / 1000
    states = [state async for state in schedules.list_all(account)]
    edited_id = request.query_params.get("edit")
    editable = {one.schedule.id: one.schedule for one in states if _is_text(one.schedule.body)}
    edited = editable.get(edited_id) if edited_id else None
    return base_context(request) | {
        "schedules": [{"state": state, "runs": _next_runs(state, now_s)} for state in states],
        "editable": editable,
        "edited": edited,
        "edited_body": edited.body.decode() if edited else "",
    }


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


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


async def _routing_context(request: Request) -> dict[str, Any]:
    account = account_of(request)
    return base_context(request) | {
        "queues": await queues.list_all(account),
        "flows": flow_control.list_all(account, ""),
        "groups": await url_groups.list_all(account),
    }


async def _overview_context(request: Request) -> dict[str, Any]:
    """What fails, what is due next, and the clock."""
    account = account_of(request)
    found = await overview.get_activity(account, period_ms=charts.PERIOD_MS)
    context, signing = base_context(request), await keys.get(account)
    return context | {
        "failing": found.failing,
        "due": found.due,
        "now_ms": account.clock.now_ms(),
        "speed": account.clock.speed,
        "next_ms": await clock.next_due_ms(account),
        "connections": connecting.connections(
            {
                "QSTASH_URL": context["server_url"],
                "QSTASH_TOKEN": request.state.user.token,
                "QSTASH_CURRENT_SIGNING_KEY": signing.current,
                "QSTASH_NEXT_SIGNING_KEY": signing.next,
            }
        ),
    }


async def overview_data(request: Request) -> Response:
    """The series of the charts as JSON."""
    account = account_of(request)
    found = await overview.get_activity(account, period_ms=charts.PERIOD_MS)
    return respond(charts.series_of(found.steps, account.clock.now_ms())._asdict())


PAGES: Mapping[str, Handler] = {
    "/console/send": send,
    "/console/schedules": handler("schedules.html", _schedules_context),
    "/console/schedules/rows": handler("schedule_rows.html", _schedules_context),
    "/console/routing": handler("routing.html", _routing_context),
    "/console/routing/tables": handler("routing_tables.html", _routing_context),
    "/console/overview": handler("overview.html", _overview_context),
    "/console/overview/tables": handler("overview_tables.html", _overview_context),
    "/console/overview/data": overview_data,
}

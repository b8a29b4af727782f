"""What the buttons and forms of the console do. Each action calls one service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from qstash_cli.errors import BadInput
from qstash_cli.protocol.cron import parse_cron
from qstash_cli.protocol.durations import format_duration, parse_duration_s
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.console import rendering, send_form, snippets
from qstash_cli.server.console.forms import Done, Fields, action_of, notice, read_fields
from qstash_cli.server.console.page_context import base_context, server_of
from qstash_cli.server.console.text import iso_time
from qstash_cli.server.http.requests import account_of, caller_ip
from qstash_cli.server.services import (
    clock,
    firing,
    messages,
    overview,
    publishing,
    schedules,
)
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.publish_rules import PublishRequest


async def message(request: Request) -> Response:
    """Runs a waiting message now, sends a message again, or cancels it."""
    account, message_id = account_of(request), request.path_params["message_id"]
    action = action_of(request, "run", "again", "cancel")
    if action == "run":
        await messages.retry_now(account, message_id)
        return notice(request, Done(f"{message_id} is due now"))
    if action == "again":
        return notice(request, await _sent_again(request, message_id))
    await messages.cancel(account, message_id)
    return notice(request, Done(f"Cancelled {message_id}"))


async def _sent_again(request: Request, message_id: str) -> Done:
    account = account_of(request)
    found = (await overview.get_details(account, message_id)).message
    form = send_form.form_of(found.url, found.options, b"")
    made = _publish_request(request, form, found.options, found.body)
    result = await publishing.publish(account, made)
    first = result.messages[0].id
    return Done(f"Published {first}", f"/console/messages/{first}")


async def send(request: Request) -> Response:
    """Publishes the message of the form."""
    account, form = account_of(request), send_form.read_form((await read_fields(request)).as_dict())
    options = send_form.options_of(form, account.clock.now_s())
    body = form.body.encode(errors="surrogatepass")
    if form.body_of:
        body = (await overview.get_details(account, form.body_of)).message.body
    result = await publishing.publish(account, _publish_request(request, form, options, body))
    if not result.messages:
        return notice(request, Done("Deduplicated: nothing was published"))
    first, *more = result.messages
    text = f"Published {1 + len(more)} messages" if more else f"Published {first.id}"
    return notice(request, Done(text, f"/console/messages/{first.id}"))


def _publish_request(
    request: Request, form: send_form.SendForm, options: MessageOptions, body: bytes
) -> PublishRequest:
    account = account_of(request)
    return PublishRequest(
        destination=form.destination,
        headers=send_form.headers_of(options),
        body=body,
        now_ms=account.clock.now_ms(),
        caller_ip=caller_ip(request),
        limits=account.limits,
    )


async def preview(request: Request) -> Response:
    """Returns the commands and the code that send what the form has so far."""
    account, form = account_of(request), send_form.read_form((await read_fields(request)).as_dict())
    context = base_context(request)
    options = send_form.options_of(form, account.clock.now_s())
    made = snippets.snippets(
        server_of(context), form.destination or "URL", options, form.body.encode()
    )
    return rendering.page("snippets.html", context | {"snippets": made})


async def schedule(request: Request) -> Response:
    """Creates, runs, pauses, resumes or deletes a schedule."""
    account, fields = account_of(request), await read_fields(request)
    action = action_of(request, "create", "run", "delete", "pause", "resume")
    schedule_id = fields.get("id").strip()
    if action == "create":
        return notice(request, await _created(request, account, fields))
    if action == "run":
        result = await firing.run_now(account, schedule_id)
        first = result.messages[0].id if result.messages else ""
        return notice(request, Done(f"Ran schedule {schedule_id}", f"/console/messages/{first}"))
    if action == "delete":
        await schedules.delete(account, schedule_id)
        return notice(request, Done(f"Deleted schedule {schedule_id}"))
    await schedules.pause(account, schedule_id, is_paused=action == "pause")
    return notice(request, Done(f"{action.capitalize()}d schedule {schedule_id}"))


async def _created(request: Request, account: Account, fields: Fields) -> Done:
    cron = fields.get("cron").strip()
    try:
        parse_cron(cron)
    except BadInput as error:
        raise BadInput(f"cron: {error.message}", hint=error.hint) from None
    own = [("Upstash-Cron", cron)]
    if schedule_id := fields.get("id").strip():
        own.append(("Upstash-Schedule-Id", schedule_id))
        own += await schedules.get_headers(account, schedule_id)
    if not any(name.lower() == "content-type" for name, _ in own):
        own.append(("Content-Type", "application/json"))
    made = await schedules.put(
        account,
        PublishRequest(
            destination=fields.get("destination").strip(),
            headers=tuple(own),
            body=fields.get("body").encode(errors="surrogatepass"),
            now_ms=account.clock.now_ms(),
            caller_ip=caller_ip(request),
            limits=account.limits,
        ),
    )
    return Done(f"Created schedule {made}")


async def clock_change(request: Request) -> Response:
    """Changes the speed of the clock, moves it forward, or jumps to the next due message."""
    account, fields = account_of(request), await read_fields(request)
    action = action_of(request, "speed", "advance", "jump")
    if action == "speed":
        speed = _positive(fields.get("speed"))
        clock.set_speed(account, speed)
        return notice(request, Done(f"Set the speed of the clock to {speed:g}"))
    if action == "advance":
        seconds = parse_duration_s(fields.get("duration"))
        moved = await clock.advance(account, seconds * 1000)
        by = format_duration(seconds)
        return notice(request, Done(f"The clock moved forward by {by}{_rest(moved)}"))
    jumped = await clock.jump_to_next(account)
    if jumped is None:
        raise BadInput("nothing is waiting")
    return notice(
        request, Done(f"The clock jumped to {iso_time(jumped.to_ms)}{_rest(jumped)}", "/")
    )


def _rest(moved: clock.Move) -> str:
    return "" if moved.is_settled else "; some deliveries have not ended yet"


def _positive(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"not a number: {text!r}") from None


ACTIONS: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
    "/console/messages/{message_id}/{action}": message,
    "/console/send": send,
    "/console/send/preview": preview,
    "/console/schedules/{action}": schedule,
    "/console/clock/{action}": clock_change,
}

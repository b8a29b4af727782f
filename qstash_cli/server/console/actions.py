"""What the buttons and forms of the console do. Each action calls one service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from qstash_cli.errors import BadInput
from qstash_cli.protocol.destination import is_url
from qstash_cli.protocol.durations import format_duration, parse_duration_s
from qstash_cli.protocol.numbers import parse_count
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.console import rendering, send_form, snippets
from qstash_cli.server.console.page_context import base_context
from qstash_cli.server.console.text import iso_time
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.request_body import read_body
from qstash_cli.server.http.requests import account_of, caller_ip, json_body
from qstash_cli.server.http.responses import respond
from qstash_cli.server.services import (
    clock,
    dlq,
    firing,
    flow_control,
    messages,
    overview,
    publishing,
    queues,
    schedules,
    url_groups,
)
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.publish_rules import PublishRequest


class _Fields:
    """The fields of a form. A field may be repeated."""

    def __init__(self, body: bytes) -> None:
        self._pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)

    def get(self, name: str) -> str:
        """Returns the last value of a field, empty if it is missing."""
        return self.all(name)[-1] if self.all(name) else ""

    def all(self, name: str) -> list[str]:
        """Returns the values of a field."""
        return [value for key, value in self._pairs if key == name]

    def as_dict(self) -> dict[str, str]:
        """Returns the last value of each field."""
        return dict(self._pairs)


class _Done(NamedTuple):
    """What an action did, and the page of what it made, if any."""

    text: str
    link: str = ""


async def _fields(request: Request) -> _Fields:
    return _Fields(await read_body(request))


def _notice(request: Request, done: _Done) -> Response:
    return rendering.page("notice.html", base_context(request) | {"done": done})


def _action(request: Request, *known: str) -> str:
    """Returns the action that the path names. Raises `ApiError` for an unknown one."""
    name: str = request.path_params["action"]
    if name not in known:
        raise ApiError(404, f"no such action: {name}")
    return name


async def message(request: Request) -> Response:
    """Runs a waiting message now, sends a message again, or cancels it."""
    account, message_id = account_of(request), request.path_params["message_id"]
    action = _action(request, "run", "again", "cancel")
    if action == "run":
        await messages.retry_now(account, message_id)
        return _notice(request, _Done(f"{message_id} is due now"))
    if action == "again":
        return _notice(request, await _sent_again(request, message_id))
    await messages.cancel(account, message_id)
    return _notice(request, _Done(f"Cancelled {message_id}"))


async def _sent_again(request: Request, message_id: str) -> _Done:
    account = account_of(request)
    found = (await overview.get_details(account, message_id)).message
    form = send_form.form_of(found.url, found.options, b"")
    made = _publish_request(request, form, found.options, found.body)
    result = await publishing.publish(account, made)
    first = result.messages[0].id
    return _Done(f"Published {first}", f"/console/messages/{first}")


async def dead_letters(request: Request) -> Response:
    """Retries or deletes entries of the DLQ, or all of them."""
    account, fields = account_of(request), await _fields(request)
    ids = [one for text in fields.all("id") for one in text.split(",") if one]
    if not ids:
        raise BadInput("no entry is selected")
    if _action(request, "retry", "delete") == "delete":
        deleted, _ = await dlq.delete_matching(account, {"dlqIds": ids})
        return _notice(request, _Done(f"Deleted {_entries(deleted)}"))
    published, _ = await dlq.retry_matching(account, {"dlqIds": ids}, ())
    return _notice(request, _Done(f"Retried {_entries(len(published))}", "/"))


def _entries(count: int) -> str:
    return f"{count} DLQ {'entry' if count == 1 else 'entries'}"


async def send(request: Request) -> Response:
    """Publishes the message of the form."""
    account, form = account_of(request), send_form.read_form((await _fields(request)).as_dict())
    options = send_form.options_of(form, account.clock.now_s())
    body = form.body.encode(errors="surrogatepass")
    if form.body_of:
        body = (await overview.get_details(account, form.body_of)).message.body
    result = await publishing.publish(account, _publish_request(request, form, options, body))
    if not result.messages:
        return _notice(request, _Done("Deduplicated: nothing was published"))
    first, *more = result.messages
    text = f"Published {1 + len(more)} messages" if more else f"Published {first.id}"
    return _notice(request, _Done(text, f"/console/messages/{first.id}"))


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
    account, form = account_of(request), send_form.read_form((await _fields(request)).as_dict())
    context = base_context(request)
    options = send_form.options_of(form, account.clock.now_s())
    made = snippets.snippets(
        context["server_url"], form.destination or "URL", options, form.body.encode()
    )
    return rendering.page("snippets.html", context | {"snippets": made})


async def schedule(request: Request) -> Response:
    """Creates, runs, pauses, resumes or deletes a schedule."""
    account, fields = account_of(request), await _fields(request)
    action = _action(request, "create", "run", "delete", "pause", "resume")
    schedule_id = fields.get("id").strip()
    if action == "create":
        return _notice(request, await _created(request, account, fields))
    if action == "run":
        result = await firing.run_now(account, schedule_id)
        first = result.messages[0].id if result.messages else ""
        return _notice(request, _Done(f"Ran schedule {schedule_id}", f"/console/messages/{first}"))
    if action == "delete":
        await schedules.delete(account, schedule_id)
        return _notice(request, _Done(f"Deleted schedule {schedule_id}"))
    await schedules.pause(account, schedule_id, is_paused=action == "pause")
    return _notice(request, _Done(f"{action.capitalize()}d schedule {schedule_id}"))


async def _created(request: Request, account: Account, fields: _Fields) -> _Done:
    own = [("Upstash-Cron", fields.get("cron").strip())]
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
    return _Done(f"Created schedule {made}")


async def queue(request: Request) -> Response:
    """Creates, pauses, resumes or deletes a queue."""
    account, fields = account_of(request), await _fields(request)
    action = _action(request, "set", "delete", "pause", "resume")
    name = fields.get("name").strip()
    if action == "set":
        parallelism = parse_count(fields.get("parallelism"))
        await queues.put(account, name, parallelism=parallelism, is_paused=None)
        return _notice(request, _Done(f"Set queue {name} to parallelism {parallelism}"))
    if action == "delete":
        await queues.delete(account, name)
        return _notice(request, _Done(f"Deleted queue {name}"))
    await queues.pause(account, name, is_paused=action == "pause")
    return _notice(request, _Done(f"{action.capitalize()}d queue {name}"))


async def flow(request: Request) -> Response:
    """Pauses, resumes or pins a flow control key."""
    account, fields = account_of(request), await _fields(request)
    action, key = _action(request, "pin", "pause", "resume"), fields.get("name")
    if action == "pin":
        rate, parallelism = fields.get("rate"), fields.get("parallelism")
        await flow_control.pin(
            account,
            key,
            rate=parse_count(rate) if rate else None,
            parallelism=parse_count(parallelism) if parallelism else None,
            period_s=None,
        )
        return _notice(request, _Done(f"Pinned flow control key {key}"))
    await flow_control.pause(account, key, is_paused=action == "pause")
    return _notice(request, _Done(f"{action.capitalize()}d flow control key {key}"))


async def group(request: Request) -> Response:
    """Adds or removes an endpoint of a URL group, or deletes the group."""
    account, fields = account_of(request), await _fields(request)
    action, name = _action(request, "add", "remove", "delete"), fields.get("name").strip()
    url = fields.get("url").strip()
    if action == "delete":
        await url_groups.delete(account, name)
        return _notice(request, _Done(f"Deleted URL group {name}"))
    if not is_url(url):
        raise BadInput(f"the endpoint has no http:// or https://: {url!r}")
    if action == "add":
        await url_groups.add_endpoints(account, name, [{"url": url}])
        return _notice(request, _Done(f"Added an endpoint to URL group {name}"))
    await url_groups.remove_endpoints(account, name, [{"url": url}])
    return _notice(request, _Done(f"Removed an endpoint of URL group {name}"))


async def clock_change(request: Request) -> Response:
    """Changes the speed of the clock, moves it forward, or jumps to the next due message."""
    account, fields = account_of(request), await _fields(request)
    action = _action(request, "speed", "advance", "jump")
    if action == "speed":
        speed = _positive(fields.get("speed"))
        clock.set_speed(account, speed)
        return _notice(request, _Done(f"Set the speed of the clock to {speed:g}"))
    if action == "advance":
        seconds = parse_duration_s(fields.get("duration"))
        clock.advance(account, seconds * 1000)
        return _notice(request, _Done(f"The clock moved forward by {format_duration(seconds)}"))
    due_ms = await clock.jump_to_next(account)
    if due_ms is None:
        raise BadInput("nothing is waiting")
    return _notice(request, _Done(f"The clock jumped to {iso_time(due_ms)}", "/"))


def _positive(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"not a number: {text!r}") from None


async def clock_api(request: Request) -> Response:
    """Changes the clock as JSON says, and returns its time and speed. For programs."""
    account, wanted = account_of(request), await json_body(request)
    if not isinstance(wanted, dict):
        raise ApiError(400, "the body is not a JSON object")
    if "speed" in wanted:
        clock.set_speed(account, _positive(str(wanted["speed"])))
    if "advance" in wanted:
        clock.advance(account, parse_duration_s(str(wanted["advance"])) * 1000)
    if wanted.get("jump") == "next":
        await clock.jump_to_next(account)
    return respond({"time": account.clock.now_ms(), "speed": account.clock.speed})


ACTIONS: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
    "/console/messages/{message_id}/{action}": message,
    "/console/dlq/{action}": dead_letters,
    "/console/send": send,
    "/console/send/preview": preview,
    "/console/schedules/{action}": schedule,
    "/console/queues/{action}": queue,
    "/console/flow/{action}": flow,
    "/console/groups/{action}": group,
    "/console/clock/{action}": clock_change,
}

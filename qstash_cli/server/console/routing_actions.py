"""What the buttons of the routing page do: queues, flow control keys and URL groups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from qstash_cli.errors import BadInput
from qstash_cli.protocol.destination import is_url
from qstash_cli.protocol.durations import parse_period_s
from qstash_cli.protocol.numbers import parse_count
from qstash_cli.server.console import rendering
from qstash_cli.server.console.forms import Done, action_of, notice, read_fields
from qstash_cli.server.http.requests import account_of
from qstash_cli.server.services import endpoint_checks, flow_control, queues, url_groups


async def queue(request: Request) -> Response:
    """Creates, pauses, resumes or deletes a queue."""
    account, fields = account_of(request), await read_fields(request)
    action = action_of(request, "set", "delete", "pause", "resume")
    name = fields.get("name").strip()
    if action == "set":
        parallelism = parse_count(fields.get("parallelism"))
        await queues.put(account, name, parallelism=parallelism, is_paused=None)
        return notice(request, Done(f"Set queue {name} to parallelism {parallelism}"))
    if action == "delete":
        await queues.delete(account, name)
        return notice(request, Done(f"Deleted queue {name}"))
    await queues.pause(account, name, is_paused=action == "pause")
    return notice(request, Done(f"{action.capitalize()}d queue {name}"))


async def flow(request: Request) -> Response:
    """Pauses, resumes, pins or unpins a flow control key."""
    account, fields = account_of(request), await read_fields(request)
    action, key = action_of(request, "pin", "unpin", "pause", "resume"), fields.get("name")
    if action == "pin":
        rate, parallelism = fields.get("rate"), fields.get("parallelism")
        period = fields.get("period")
        await flow_control.pin(
            account,
            key,
            rate=parse_count(rate) if rate else None,
            parallelism=parse_count(parallelism) if parallelism else None,
            period_s=parse_period_s(period) if period else None,
        )
        return notice(request, Done(f"Pinned flow control key {key}"))
    if action == "unpin":
        await flow_control.unpin(account, key, parallelism=True, rate=True)
        return notice(request, Done(f"Unpinned flow control key {key}"))
    await flow_control.pause(account, key, is_paused=action == "pause")
    return notice(request, Done(f"{action.capitalize()}d flow control key {key}"))


async def group(request: Request) -> Response:
    """Adds, removes or checks endpoints of a URL group, or deletes the group."""
    account, fields = account_of(request), await read_fields(request)
    action = action_of(request, "add", "remove", "delete", "check")
    name = fields.get("name").strip()
    if action == "check":
        checks = await endpoint_checks.check(account, name)
        return rendering.page("group_checks.html", {"name": name, "checks": checks})
    url = fields.get("url").strip()
    if action == "delete":
        await url_groups.delete(account, name)
        return notice(request, Done(f"Deleted URL group {name}"))
    if not is_url(url):
        raise BadInput(f"the endpoint has no http:// or https://: {url!r}")
    if action == "add":
        await url_groups.add_endpoints(account, name, [{"url": url}])
        return notice(request, Done(f"Added an endpoint to URL group {name}"))
    await url_groups.remove_endpoints(account, name, [{"url": url}])
    return notice(request, Done(f"Removed an endpoint of URL group {name}"))


ACTIONS: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
    "/console/queues/{action}": queue,
    "/console/flow/{action}": flow,
    "/console/groups/{action}": group,
}

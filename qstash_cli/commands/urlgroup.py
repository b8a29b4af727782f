"""`qstash urlgroup`: manage URL groups, whose endpoints all get the same messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client import external
from qstash_cli.client.api import urlgroups
from qstash_cli.commands.common.confirm_options import ConfirmOptions
from qstash_cli.commands.common.views import DEAD, NAMED, URL_GROUP
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.destination import (
    is_url,
    missing_scheme,
    validate_destination,
    validate_reachable,
)
from qstash_cli.protocol.endpoint_health import is_alive
from qstash_cli.protocol.headers import as_defaults, parse_header
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.records import Endpoint, EndpointReference

app = group()

_ASKED_AT_ONCE = 16
_Name = Annotated[
    str,
    Argument("Name of the URL group", "NAME", complete="urlgroup"),
]


@dataclass(frozen=True, kw_only=True)
class EndpointNameOption:
    """The name of an endpoint."""

    name: str | None = flag("Name of the endpoint", metavar="NAME")


@dataclass(frozen=True, kw_only=True)
class DefaultHeaderOptions:
    """Default headers."""

    header: tuple[tuple[str, str], ...] = flag(
        "Default header of messages to the group; Upstash-* are options",
        "-H",
        "--header",
        metavar="'NAME: VALUE'",
        repeats=True,
        parse=parse_header,
        complete="header",
    )
    clear: bool = flag("Remove all default headers")


@command(app, "list", view=URL_GROUP)
def list_(ctx: Context) -> Result:
    """List the URL groups.

    \b
    qstash urlgroup list
    qstash urlgroup list -q
    """
    return ctx.fetch(urlgroups.list_all(), lambda found: Result(data=found, view=URL_GROUP))


@command(app, view=URL_GROUP)
def get(ctx: Context, name: _Name) -> Result:
    """Get a URL group with its endpoints.

    \b
    qstash urlgroup get team --query 'endpoints[].url'
    qstash urlgroup get team -o json
    """
    return ctx.fetch(
        urlgroups.get(name),
        lambda found: Result(data=found, view=URL_GROUP, piped="json"),
    )


@command(app, view=NAMED)
def add(
    ctx: Context,
    group_name: _Name,
    urls: Annotated[list[str], Argument("URLs to add", "URL")],
    *,
    options: EndpointNameOption,
) -> Result:
    """Add endpoints to a URL group; creates the group if necessary.

    \b
    qstash urlgroup add team https://example.com/a https://example.com/b
    qstash urlgroup add team https://example.com/c --name third
    """
    if options.name is not None and len(urls) > 1:
        raise BadInput("--name is for one endpoint, and there are several", hint="add them singly")
    endpoints = [_endpoint(ctx, url, options.name) for url in urls]
    done = f"Added {amount(len(endpoints), 'endpoint')} to URL group {group_name}"
    return ctx.write(urlgroups.add(group_name, endpoints), lambda _: _named(group_name, done))


@command(app, view=NAMED)
def remove(
    ctx: Context,
    name: _Name,
    endpoints: Annotated[
        list[str],
        Argument("URLs or endpoint names", "URL|ENDPOINT"),
    ],
) -> Result:
    """Remove endpoints from a URL group; removing the last one deletes the group.

    \b
    qstash urlgroup remove team https://example.com/a third
    qstash urlgroup remove team third --dry-run
    """
    if not all(one.strip() for one in endpoints):
        raise BadInput("an endpoint is empty", hint="nothing was sent")
    meant = [
        EndpointReference(url=one) if is_url(one) else EndpointReference(name=one)
        for one in endpoints
    ]
    done = f"Removed {amount(len(meant), 'endpoint')} from URL group {name}"
    return ctx.write(urlgroups.remove(name, meant), lambda _: _named(name, done))


@command(app, view=NAMED)
def headers(ctx: Context, name: _Name, *, defaults: DefaultHeaderOptions) -> Result:
    """Set the default headers of messages to a URL group.

    Replaces the existing default headers.

    \b
    qstash urlgroup headers team -H 'Upstash-Retries: 5' -H 'X-Team: blue'
    qstash urlgroup headers team --clear
    """
    if bool(defaults.header) == defaults.clear:
        raise BadInput("no headers", hint="give -H 'Name: value', or --clear to take them away")
    request = urlgroups.set_headers(name, as_defaults(defaults.header))
    what = amount(len(defaults.header), "default header")
    done = f"Set {what} of" if defaults.header else "Removed the default headers of"
    return ctx.write(request, lambda _: _named(name, f"{done} URL group {name}"))


@command(app, view=NAMED)
def delete(ctx: Context, name: _Name, *, confirm: ConfirmOptions) -> Result:
    """Delete a URL group; messages already sent to it are still delivered.

    \b
    qstash urlgroup delete team --yes
    qstash urlgroup delete team --dry-run
    """
    request = urlgroups.delete(name)

    def question() -> str:
        endpoints = len(ctx.read(urlgroups.get(name))["endpoints"])
        return f"Delete URL group {name} with {amount(endpoints, 'endpoint')} {ctx.account_phrase}?"

    ctx.confirm(f"Delete URL group {name}?", yes=confirm.yes, make_question=question)
    return ctx.write(request, lambda _: _named(name, f"Deleted URL group {name}"))


@command(app, view=DEAD)
def check(ctx: Context, name: _Name) -> Result:
    """Check that every endpoint of a URL group responds, and list those that do not.

    Sends HEAD, then GET if necessary. Every status code counts as a response except 404, 410 and
    5xx. Exits with 1 if an endpoint does not respond.

    \b
    qstash urlgroup check team
    qstash urlgroup check team -o json
    """
    return ctx.fetch(
        urlgroups.get(name),
        lambda found: _probed(ctx, found["endpoints"]),
        later="then HEAD, and GET where HEAD fails, to every endpoint",
    )


def _probed(ctx: Context, endpoints: list[Endpoint]) -> Result:
    from concurrent.futures import ThreadPoolExecutor

    text = f"Waiting for {amount(len(endpoints), 'endpoint')} …"
    with ctx.waiting(text), ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        signs = pool.map(lambda one: _sign_of_life(one["url"], ctx), endpoints)
        dead = [
            endpoint | {"responseStatus": sign.status or None, "error": sign.error or None}
            for endpoint, sign in zip(endpoints, signs, strict=True)
            if not is_alive(sign.status)
        ]
    failure = QstashError(f"{len(dead)} of {len(endpoints)} endpoints are dead") if dead else None
    return Result(data=dead, view=DEAD, error=failure)


def _sign_of_life(url: str, ctx: Context) -> external.ExternalResponse:
    timeout_s = ctx.options.connection.request_timeout
    first = external.send("HEAD", url, timeout_s=timeout_s)
    return first if is_alive(first.status) else external.send("GET", url, timeout_s=timeout_s)


def _endpoint(ctx: Context, url: str, name: str | None) -> Endpoint:
    if not is_url(url):
        raise missing_scheme("the endpoint has", url)
    settings = ctx.config.settings_if_any
    if settings is None or not settings.is_local:
        validate_reachable(url, "endpoint")
    endpoint = Endpoint(url=validate_destination(url))
    return endpoint if name is None else Endpoint(url=endpoint["url"], name=name)


def _named(name: str, done: str) -> Result:
    return Result(data={"name": name}, view=NAMED, on_terminal="ids", piped="ids", done=done)

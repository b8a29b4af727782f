"""`qstash doctor`: diagnose credentials, network and clock.

A check that depends on a failed one is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import keys
from qstash_cli.client.diagnostics import Measurement, measure
from qstash_cli.client.proxies import proxy_for
from qstash_cli.commands.common.token_regions import READ
from qstash_cli.commands.doctor import (
    account,
    credentials,
    environment,
    network,
)
from qstash_cli.commands.doctor.check import DoctorCheck, failure, skipped
from qstash_cli.config.credentials import Settings, chosen, resolve
from qstash_cli.config.origins import overruled
from qstash_cli.config.sources import Source
from qstash_cli.errors import BadCredentials, ExitCode, QstashError, Unreachable
from qstash_cli.output.result import Column, Record, Result, View
from qstash_cli.protocol.destination import is_loopback

if TYPE_CHECKING:
    from qstash_cli.client.client import Client
    from qstash_cli.client.request import Request
    from qstash_cli.config.environment import Environment

app = group()

_LONGEST_S = 5.0
_OF_ENVIRONMENT = ("credentials", "token")
_OF_NETWORK = ("proxy", "certificates", "dns", "tls", "api")
_OF_RESPONSE = ("clock", "latency")
_OF_ACCOUNT = ("authentication", "region", "permissions", "signing-keys")

_STATUS = Column(name="status", of="status", format="state")
_DETAIL = Column(name="detail", of="detail", wraps=True)
_VIEW = View(
    columns=(
        Column(name="check", of="check"),
        _STATUS,
        _DETAIL,
        Column(name="fix", of="fix"),
    ),
    id="check",
)


def _with_fix_below(record: Record) -> Iterator[Record]:
    yield record
    if record.get("fix"):
        yield {"check": "", "status": "fix", "detail": record["fix"]}


# On a terminal, a fix has the full width, so that it can be copied.
_ON_TERMINAL = View(columns=(_VIEW.columns[0], _STATUS, _DETAIL), id="check", rows=_with_fix_below)
_ERRORS: Mapping[ExitCode, type[QstashError]] = {
    ExitCode.CREDENTIALS: BadCredentials,
    ExitCode.UNREACHABLE: Unreachable,
}


@command(app, view=_VIEW)
def doctor(ctx: Context) -> Result:
    """Diagnose credentials, network, clock and account.

    Sends a few small requests that change nothing. Exits with 0 if there are at most warnings, 3
    for a problem with the credentials, 6 if QStash is unreachable, and 1 for any other problem.

    \b
    qstash doctor
    qstash doctor -p prod -o json
    qstash doctor --dev
    """
    from qstash_cli.config.urls import REGION_URLS

    return report(ctx, REGION_URLS)


def report(ctx: Context, regions: Mapping[str, str]) -> Result:
    """Returns the checks and the first failure.

    `regions` are the regions that the token may belong to.
    """
    checks = []
    with ctx.status() as line:
        for check in diagnose(ctx, regions):
            checks.append(check)
            line.update(f"checked {check.name}")
    records = [check.as_record() for check in checks]
    failed = [check for check in checks if check.status == "failure"]
    failure = None
    if failed:
        kind = _ERRORS.get(failed[0].exit_code, QstashError)
        names = ", ".join(check.name for check in failed)
        failure = kind(f"failed: {names}", hint=failed[0].fix)
    is_for_people = ctx.streams.out_is_terminal and ctx.options.output.format in {None, "table"}
    view = _ON_TERMINAL if is_for_people and not ctx.options.output.columns else _VIEW
    return Result(data=records, view=view, error=failure)


@dataclass(frozen=True, kw_only=True)
class _Configured:
    """The usable settings and their source."""

    source: Source
    settings: Settings


class _Connections:
    """The connections of a diagnosis. Each request has a time limit."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._clients: dict[str, Client] = {}
        self.limit_s = min(_LONGEST_S, ctx.options.connection.request_timeout)

    def ask(self, url: str, token: str, request: Request[object]) -> Measurement:
        """Sends a request to QStash and returns its response."""
        client = self._clients.get(url) or self._clients.setdefault(url, self._open(url, token))
        return measure(client, request, now=self._ctx.system.now, limit_s=self.limit_s)

    def _open(self, url: str, token: str) -> Client:
        return self._ctx.open_client(
            url, token, is_local=is_loopback(url), request_timeout_s=self.limit_s
        )

    def close(self) -> None:
        """Closes the connections."""
        for client in self._clients.values():
            client.close()


def diagnose(ctx: Context, regions: Mapping[str, str]) -> Iterator[DoctorCheck]:
    """Yields every check as it finishes.

    The token is sent to the configured URL. If that is one of `regions` and rejects it, the token
    is also sent to the other regions.
    """
    yield environment.version()
    try:
        yield environment.config_file(ctx.config.file, ctx.config.profiles)
    except QstashError as error:
        yield failure("config", error.message, error.hint or "mend the file")
        yield from _skipped(
            (*_OF_ENVIRONMENT, *_OF_NETWORK, *_OF_RESPONSE, *_OF_ACCOUNT), "no configuration"
        )
        return
    found = _configured(ctx)
    if isinstance(found, DoctorCheck):
        yield found
        yield skipped("token", "there are no credentials")
        configured = None
    else:
        yield credentials.used(
            found.source,
            found.settings,
            overruled(ctx.config.flags, _environment(ctx), ctx.config.profiles),
        )
        kind = credentials.kind_of_token(found.settings.token, found.source)
        yield kind
        configured = found if kind.status != "failure" else None
    connections = _Connections(ctx)
    try:
        yield from _over_the_network(ctx, connections, configured, regions)
    finally:
        connections.close()


def _configured(ctx: Context) -> _Configured | DoctorCheck:
    try:
        settings = resolve(
            ctx.config.flags, ctx.config.variables, ctx.config.profiles, ctx.system.run_command
        )
        source = chosen(
            ctx.config.flags, _environment(ctx), ctx.config.profiles, ctx.system.run_command
        )
    except QstashError as error:
        return credentials.not_found(error)
    return _Configured(source=source, settings=settings)


def _environment(ctx: Context) -> Environment:
    return ctx.config.flags.environment(ctx.config.variables)


def _over_the_network(
    ctx: Context,
    connections: _Connections,
    configured: _Configured | None,
    regions: Mapping[str, str],
) -> Iterator[DoctorCheck]:
    try:
        url = configured.settings.api_url if configured else ctx.config.api_url
    except QstashError:
        why = "there is no usable URL"
        yield from _skipped((*_OF_NETWORK, *_OF_RESPONSE, *_OF_ACCOUNT), why)
        return
    proxy = environment.proxy(url)
    yield proxy
    yield environment.certificates(ctx.system.env, is_plain=url.startswith("http://"))
    if ctx.options.connection.preview is not None:
        why = "--dry-run and --curl send nothing"
        yield from _skipped(("dns", "tls", "api", *_OF_RESPONSE, *_OF_ACCOUNT), why)
        return
    if proxy.status == "failure":
        why = "the proxy cannot be used"
        yield from _skipped(("dns", "tls", "api", *_OF_RESPONSE, *_OF_ACCOUNT), why)
        return
    used = proxy_for(url)
    name = network.name_resolution(url, used, limit_s=connections.limit_s)
    yield name
    if name.status == "failure":
        why = "the name has no address"
        yield from _skipped(("tls", "api", *_OF_RESPONSE, *_OF_ACCOUNT), why)
        return
    tls = network.encryption(url, used, now=ctx.system.now(), limit_s=connections.limit_s)
    yield tls
    if tls.status == "failure":
        yield from _skipped(("api", *_OF_RESPONSE, *_OF_ACCOUNT), "there is no connection")
        return
    yield from _of_the_server(ctx, connections, url, configured, regions)


def _of_the_server(
    ctx: Context,
    connections: _Connections,
    url: str,
    configured: _Configured | None,
    regions: Mapping[str, str],
) -> Iterator[DoctorCheck]:
    is_local = is_loopback(url)
    token = configured.settings.token if configured else ""
    first = connections.ask(url, token, READ)
    api = network.interface(first, url, is_local=is_local)
    yield api
    if api.status == "failure":
        yield from _skipped((*_OF_RESPONSE, *_OF_ACCOUNT), "the API does not respond")
        return
    yield network.clock(first)
    more = list(network.samples(first, lambda: connections.ask(url, token, READ)))
    yield network.latency(more)
    if configured is None:
        yield from _skipped(_OF_ACCOUNT, "there are no credentials that could be sent")
        return
    accepted = account.acceptance(first, configured.source)
    yield accepted
    is_refused = accepted.status == "failure"
    yield account.region(
        configured.source,
        url,
        regions,
        is_local=is_local,
        is_refused=is_refused,
        ask=lambda other: connections.ask(other, token, READ),
    )
    if is_refused:
        yield from _skipped(("permissions", "signing-keys"), "the token is refused")
        return
    yield account.permissions(connections.ask(url, token, account.WRITE))
    yield account.signing_keys(ctx.config.signing_keys, connections.ask(url, token, keys.get()))


def _skipped(names: tuple[str, ...], why: str) -> Iterator[DoctorCheck]:
    for name in names:
        yield skipped(name, why)

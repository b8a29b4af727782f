"""Starts and stops the server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TextIO

from starlette.types import ASGIApp

from qstash_cli.errors import QstashError
from qstash_cli.protocol.dev_credentials import DEV_PORT, DEV_USERS, Credentials
from qstash_cli.protocol.faults import FaultPlan
from qstash_cli.protocol.limits import UNLIMITED, PlanLimits
from qstash_cli.server.console.lazy import LazyConsole
from qstash_cli.server.events import EventFeed, EventSink
from qstash_cli.server.http.app import build
from qstash_cli.server.http.listeners import Addresses, listening
from qstash_cli.server.http.uvicorn_config import ClientLimits
from qstash_cli.server.http.uvicorn_server import HttpServer, running_in_thread
from qstash_cli.server.services.accounts import AccountConfig, Accounts
from qstash_cli.server.tracing.feed import AttemptHeaders, SpanSink, TraceFeed

_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """The settings of a server. Port 0 selects a free port; `routes` maps URL prefixes to targets.

    The server also listens on `log_port` if it is given. `db` is the file of the first user.
    With `speed` 0 the clock stands still unless it is moved. `events` receives what happens;
    `verbose_events` adds all requests, headers and bodies. Warnings are written to `log`, by
    default to standard error. `has_console` serves the console at `/`, with the data of
    `console_user`, by default the first one, and pages of `api_origin` may use the API. `faults`
    are injected into deliveries, by `fault_seed`. `mcp` serves `/mcp`. The spans of messages are
    exported to `spans`.
    """

    host: str = "127.0.0.1"
    port: int = DEV_PORT
    log_port: int | None = None
    db: Path | None = None
    routes: tuple[tuple[str, str], ...] = ()
    speed: float = 1.0
    limits: PlanLimits = UNLIMITED
    users: tuple[Credentials, ...] = DEV_USERS
    clients: ClientLimits = field(default_factory=ClientLimits)
    events: EventSink | None = None
    verbose_events: bool = False
    log: TextIO | None = None
    has_console: bool = False
    console_user: Credentials | None = None
    api_origin: str | None = None
    faults: FaultPlan | None = None
    fault_seed: int = 0
    mcp: ASGIApp | None = None
    spans: SpanSink | None = None


class Running(NamedTuple):
    """A running server: its addresses, and its users with their current keys."""

    addresses: Addresses
    users: tuple[Credentials, ...]

    def user(self, name: str) -> Credentials:
        """Returns the user with this name, which must exist."""
        return next(user for user in self.users if user.name == name)


OnRunning = Callable[[Running], None]


def serve(config: ServerConfig, on_ready: OnRunning, prepare: OnRunning | None = None) -> None:
    """Serves until it is interrupted. Calls `on_ready` once `prepare` has returned.

    `prepare` runs in a thread while the server accepts requests; an exception that it raises stops
    the server and is raised. Raises `QstashError` if a port or the database is in use.
    """
    with listening(config.host, config.port, config.log_port) as (addresses, listeners):
        server = _Server(config, addresses, on_ready, prepare)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=listeners)
        if server.failure is not None:
            raise server.failure


@contextlib.contextmanager
def running_server(config: ServerConfig, prepare: OnRunning | None = None) -> Iterator[str]:
    """Runs a server in a thread and yields its URL. Raises what `prepare` raises."""
    ready = threading.Event()
    with listening(config.host, config.port, config.log_port) as (addresses, listeners):
        server = _Server(config, addresses, lambda _running: ready.set(), prepare)
        with running_in_thread(server, listeners) as thread:
            while not ready.wait(_POLL_S):
                if not thread.is_alive():
                    raise server.failure or QstashError("the embedded server did not start")
            yield addresses.url


class _Server(HttpServer):
    """Reports that it is ready. `failure` is the exception that prevented it."""

    def __init__(
        self,
        config: ServerConfig,
        addresses: Addresses,
        on_ready: OnRunning,
        prepare: OnRunning | None,
    ) -> None:
        self._accounts = Accounts(
            AccountConfig(
                config.users,
                config.db,
                config.routes,
                config.speed,
                config.limits,
                config.console_user,
                config.faults,
                config.fault_seed,
                AttemptHeaders(config.spans) if config.spans is not None else None,
            )
        )
        self._traces = TraceFeed(self._accounts, config.spans) if config.spans else None
        self._events: EventFeed | None = None
        if config.events is not None:
            self._events = EventFeed(
                self._accounts, config.events, is_verbose=config.verbose_events
            )
        app = build(
            self._accounts,
            host=config.host,
            limits=config.limits,
            on_request=self._events.note_request if self._events else None,
            api_origin=config.api_origin,
            mcp=config.mcp,
            console=LazyConsole(lambda: self.should_exit) if config.has_console else None,
        )
        super().__init__(app, config.clients, config.log)
        self.failure: BaseException | None = None
        self._addresses = addresses
        self._on_ready = on_ready
        self._prepare = prepare

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the accounts before the first request is read."""
        try:
            await self._accounts.start()
        except BaseException as fault:
            await self._accounts.stop()
            if not isinstance(fault, Exception):
                raise
            self.failure = fault
            self.should_exit = True
        else:
            await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes the accounts after the last response."""
        try:
            await super().shutdown(sockets)
            if self._events is not None:
                await self._events.stop()
            if self._traces is not None:
                await self._traces.stop()
        finally:
            await self._accounts.stop()

    async def main_loop(self) -> None:
        """Prepares, reports that the server is ready, and serves until it is stopped."""
        running = Running(self._addresses, await self._accounts.users())
        if await self._is_prepared(running):
            if self._events is not None:
                self._events.start()
            if self._traces is not None:
                self._traces.start()
            self._on_ready(running)
            await super().main_loop()

    async def _is_prepared(self, running: Running) -> bool:
        if self._prepare is None:
            return True
        work = asyncio.create_task(asyncio.to_thread(self._prepare, running))
        # Otherwise asyncio logs an exception that nobody retrieves.
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        # An interrupt stops the server at once; the requests of `prepare` then fail.
        while not (work.done() or self.should_exit):
            await asyncio.wait({work}, timeout=_POLL_S)
        if not work.done():
            return False
        self.failure = work.exception()
        return self.failure is None and not self.should_exit

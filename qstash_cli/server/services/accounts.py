"""The accounts of a server's users. Each has data, deliveries and signing keys of its own.

Source: QStash docs, "Local development".
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from qstash_cli.errors import BadInput, QstashError
from qstash_cli.protocol import ids
from qstash_cli.protocol.dev_credentials import Credentials
from qstash_cli.protocol.faults import FaultPlan
from qstash_cli.protocol.limits import PlanLimits
from qstash_cli.server.clock import ManualClock, ScaledClock
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.delivery.http_attempt import Deliverer
from qstash_cli.server.delivery.injection import FaultInjection
from qstash_cli.server.delivery.planning import TracedHeaders
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.bulk_cancel import BulkCancels
from qstash_cli.server.services.scheduler import Scheduler
from qstash_cli.server.storage import keys, logs, snapshots
from qstash_cli.server.storage.database import damaged
from qstash_cli.server.storage.store import Connection, Store

_Clock = ScaledClock | ManualClock


class AccountConfig(NamedTuple):
    """The settings of all accounts of a server.

    `db` is the file of the first user; the files of the others are beside it, see `file_of`. None
    keeps the data in memory. The console displays the data of `console_user`, by default the first
    one. `routes` maps URL prefixes to the targets of deliveries. A speed of 0 selects a clock that
    is moved by hand. `faults` are injected into deliveries, by a seed. `traced` returns the headers
    of an attempt whose span is exported.
    """

    users: Sequence[Credentials]
    db: Path | None
    routes: Sequence[tuple[str, str]]
    speed: float
    limits: PlanLimits
    console_user: Credentials | None = None
    faults: FaultPlan | None = None
    fault_seed: int = 0
    traced: TracedHeaders | None = None


class Accounts:
    """The accounts of a server. The first request of a user opens the account.

    Accounts with a file are opened at the start: they may have messages to deliver.
    """

    def __init__(self, config: AccountConfig) -> None:
        self._config = config
        self._tokens = [(user.token.encode(), user) for user in config.users]
        self._started_at_s = time.time()
        self._deliverer = Deliverer(config.routes)
        self._closing = contextlib.AsyncExitStack()
        self._closing.push_async_callback(self._deliverer.close)
        self._open: dict[str, Account] = {}
        self._exits: dict[str, contextlib.AsyncExitStack] = {}
        self._opening = asyncio.Lock()

    async def start(self) -> None:
        """Opens the account of the first user, and those that may have messages to deliver.

        Raises `QstashError` for a file that cannot be used.
        """
        first, *others = self._config.users
        await self.account(first)
        for user in others:
            path = self.file_of(user)
            if path is not None and path.exists():
                await self.account(user)

    async def stop(self) -> None:
        """Stops all deliveries and closes the files."""
        self._open.clear()
        await self._closing.aclose()

    @property
    def open_accounts(self) -> tuple[Account, ...]:
        """The accounts that are open, in the order in which they were opened."""
        return tuple(self._open.values())

    @property
    def console_user(self) -> Credentials:
        """The user whose data the console displays without a sign-in."""
        return self._config.console_user or self._config.users[0]

    def user(self, token: bytes) -> Credentials | None:
        """Returns the user with this token, or None."""
        found = None
        for known, user in self._tokens:
            # Takes the same time for every token.
            if hmac.compare_digest(known, token):
                found = user
        return found

    def user_named(self, name: str) -> Credentials | None:
        """Returns the user with this name, or None."""
        return next((user for user in self._config.users if user.name == name), None)

    async def account(self, user: Credentials) -> Account:
        """Returns the account of a user. Raises `QstashError` if its file cannot be used."""
        if user.name not in self._open:
            async with self._opening:
                if user.name not in self._open:
                    self._open[user.name] = await self._opened_first(user)
        return self._open[user.name]

    async def reset(self, user: Credentials) -> None:
        """Replaces an account by an empty one, whose clock starts at the system's time.

        Raises `BadInput` for an account with a file.
        """
        if self.file_of(user) is not None:
            raise BadInput("a server with --db is not reset", hint="start it without --db")
        async with self._opening:
            await self._close(user.name)
            self._open[user.name] = await self._opened(
                user, _clock(self._config.speed, time.time())
            )

    async def replace(self, user: Credentials, source: Connection, clock_ms: int) -> None:
        """Replaces the data of an account. A manual clock starts at `clock_ms`.

        If the account does not start with these data, it keeps its own, and the error is raised.
        """
        await self.account(user)
        async with self._opening:
            account = self._open[user.name]
            kept = await account.store.run_outside(snapshots.copy_of)
            with contextlib.closing(kept):
                await self._close(user.name)
                clock = None if self._config.speed else ManualClock(clock_ms)
                try:
                    self._open[user.name] = await self._opened(user, clock, source)
                except Exception:
                    self._open[user.name] = await self._opened(user, account.clock, kept)
                    raise

    async def users(self) -> tuple[Credentials, ...]:
        """Returns the users with their current keys: a stored rotation may have changed them."""
        found = []
        for user in self._config.users:
            if user.name in self._open:
                stored = await self._open[user.name].store.run(keys.read)
                user = replace(  # noqa: PLW2901 - the same user
                    user, current_signing_key=stored.current, next_signing_key=stored.next
                )
            found.append(user)
        return tuple(found)

    def file_of(self, user: Credentials) -> Path | None:
        """Returns the file of a user's data: `--db`, with the name appended for a later user."""
        path = self._config.db
        if path is None or user is self._config.users[0]:
            return path
        return path.with_name(f"{path.name}-{user.name}")

    async def _close(self, name: str) -> None:
        self._open.pop(name, None)
        if name in self._exits:
            await self._exits.pop(name).aclose()

    async def _opened_first(self, user: Credentials) -> Account:
        path = self.file_of(user)
        try:
            return await self._opened(user)
        except Exception as fault:
            if path is None or isinstance(fault, QstashError):
                raise
            # The values that a start reads have other types than those that were written.
            raise damaged(path, f"{type(fault).__name__}: {fault}") from fault

    async def _opened(
        self, user: Credentials, clock: _Clock | None = None, source: Connection | None = None
    ) -> Account:
        async with contextlib.AsyncExitStack() as closing:
            store = Store(self.file_of(user))
            closing.callback(store.close)
            if source is not None:
                store.restore(source)
            account = await self._started(user, store, clock, closing)
            if user.name not in self._exits:
                self._closing.push_async_callback(self._close, user.name)
            self._exits[user.name] = closing.pop_all()
            return account

    async def _started(
        self,
        user: Credentials,
        store: Store,
        clock: _Clock | None,
        closing: contextlib.AsyncExitStack,
    ) -> Account:
        """Starts an account on its store; `closing` stops its parts in reverse order."""
        config = self._config
        first_log_seq = await store.run(logs.last_seq)
        if clock is None:
            # A fast clock continues from the last step, so that no schedule fires twice.
            at_least_ms = await store.run(logs.last_step_ms) if config.speed != 1 else 0
            clock = _clock(config.speed, self._started_at_s, at_least_ms)
        engine = Engine(
            store,
            clock,
            self._deliverer,
            new_id,
            max_concurrency=config.limits.global_parallelism,
            injection=FaultInjection(config.faults, config.fault_seed) if config.faults else None,
            traced=config.traced,
        )
        closing.push_async_callback(engine.stop)
        bulk_cancels = BulkCancels(store, engine, clock, new_id)
        closing.push_async_callback(bulk_cancels.stop)
        scheduler = Scheduler(store, clock, engine, new_id, config.limits)
        closing.push_async_callback(scheduler.stop)
        await store.run(
            lambda connection: keys.init(
                connection, user.current_signing_key, user.next_signing_key
            )
        )
        await engine.start()
        await bulk_cancels.start()
        scheduler.start()
        return Account(
            name=user.name,
            store=store,
            engine=engine,
            deliverer=self._deliverer,
            bulk_cancels=bulk_cancels,
            scheduler=scheduler,
            clock=clock,
            new_id=new_id,
            limits=config.limits,
            first_log_seq=first_log_seq,
            clock_lock=asyncio.Lock(),
        )


def _clock(speed: float, started_at_s: float, at_least_ms: int = 0) -> _Clock:
    if speed:
        return ScaledClock(speed, started_at_s, at_least_ms)
    return ManualClock(max(round(started_at_s * 1000), at_least_ms))


def new_id(prefix: str) -> str:
    """Returns a random id with this prefix. The id of a message begins with the time.

    Ids in insertion order are neighbours in the indexes: the database writes half as many bytes
    for a message (5.9 KB instead of 11.8, with 16 messages in a commit).
    """
    if prefix == "msg":
        return ids.new_time_ordered_id(prefix, time.time_ns() // 1_000_000, os.urandom)
    return ids.new_id(prefix, os.urandom)

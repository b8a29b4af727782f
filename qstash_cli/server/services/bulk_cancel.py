"""Cancelling by filter: a bulk action that runs in the background, a few messages at a time.

Source: QStash docs, "Cancel messages in bulk".
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from qstash_cli.server.clock import Clock
from qstash_cli.server.delivery import attempts
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import Parameters, split
from qstash_cli.server.storage import bulk_actions, filters
from qstash_cli.server.storage.store import Store

# How long a request may wait for its action. After that it gets 429, and the action continues.
SYNCHRONOUS_S = 60.0
_ACTIONS_LIMIT = 1000
# Rows a job of the store reads: while it runs, the event loop does nothing else.
_CANCELLED_AT_ONCE = 200
_COUNTED_AT_ONCE = 4000
_NO_LAST = 2**62
_PAUSE_AFTER_FAULT_S = 1.0
_NO_FILTERS = frozenset({"count", "cursor", "async"})

Filter = Mapping[str, Sequence[str]]


class _Range(NamedTuple):
    """The live messages that are still to be looked at, by their sequence numbers."""

    after: int
    last: int


@dataclass
class Action:
    """A bulk action in progress. `total` is known once the action is stored."""

    id: str
    wanted: Filter
    total: asyncio.Future[int] = field(default_factory=asyncio.Future)
    task: asyncio.Task[None] | None = None


def parse_filter(given: Parameters) -> Filter:
    """The filter of a bulk cancel, without what is no filter. Raises `ApiError` for a wrong one."""
    wanted = {
        name: split(name, values) for name, values in given.items() if name not in _NO_FILTERS
    }
    _conditions(wanted)
    return wanted


class BulkCancels:
    """Runs the bulk actions of an account. `wait_s` is how long a caller waits for one."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        clock: Clock,
        new_id: Callable[[str], str],
        *,
        wait_s: float = SYNCHRONOUS_S,
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._new_id = new_id
        self._wait_s = wait_s
        self._running: dict[str, Action] = {}

    async def start(self) -> None:
        """Continue the actions that a stopped server left in progress."""
        for row in await self._store.run(bulk_actions.unfinished):
            action = Action(id=row["id"], wanted=json.loads(row["filter"]))
            action.total.set_result(row["total"])
            rest = _Range(row["next_seq"], row["last_seq"])
            self._begin(action, self._cancel(action, rest))

    async def stop(self) -> None:
        """Stop; a server that is started on the same store continues."""
        tasks = [action.task for action in self._running.values() if action.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def accept(self, wanted: Filter) -> tuple[str, int]:
        """The id of the action for a filter, and how many messages match.

        The action that is already running for the same filter is returned. Raises `ApiError` if too
        many actions are in progress.
        """
        action = self._running.get(_key(wanted))
        if action is None:
            if len(self._running) >= _ACTIONS_LIMIT:
                limit = f"current limit: {_ACTIONS_LIMIT}"
                raise ApiError(412, f"too many bulk actions in progress, {limit}")
            action = Action(id=self._new_id("bulk"), wanted=wanted)
            self._begin(action, self._run(action))
        return action.id, await asyncio.shield(action.total)

    async def finish(self, wanted: Filter) -> int:
        """How many messages matched, once the action is finished.

        Raises `ApiError` with status 429 if the action takes longer than a request may wait.
        """
        action_id, total = await self.accept(wanted)
        action = self._running.get(_key(wanted))
        if action is not None and action.task is not None and action.id == action_id:
            _, pending = await asyncio.wait({action.task}, timeout=self._wait_s)
            if pending:
                raise ApiError(429, f"still cancelling in the background: bulk action {action_id}")
        return total

    def _begin(self, action: Action, work: Coroutine[Any, Any, None]) -> None:
        key = _key(action.wanted)

        def ended(task: asyncio.Task[None]) -> None:
            if self._running.get(key) is action:
                del self._running[key]
            if action.total.done():
                return
            if task.cancelled():
                action.total.cancel()
            elif fault := task.exception():
                action.total.set_exception(fault)

        self._running[key] = action
        action.task = asyncio.create_task(work)
        action.task.add_done_callback(ended)

    async def _run(self, action: Action) -> None:
        total, last_seq = await self._count(action.wanted)
        await self._store.run(
            lambda connection: bulk_actions.insert(
                connection,
                action.id,
                action.wanted,
                total=total,
                last_seq=last_seq,
                now_ms=self._clock.now_ms(),
            )
        )
        action.total.set_result(total)
        await self._cancel(action, _Range(0, last_seq))

    async def _count(self, wanted: Filter) -> tuple[int, int]:
        """How many live messages match, and the sequence number of the last live message."""
        total, seq = 0, 0
        while True:
            rest = _Range(seq, _NO_LAST)
            rows = await self._store.run(
                partial(_matches, wanted=wanted, among=rest, limit=_COUNTED_AT_ONCE)
            )
            if not rows:
                return total, seq
            total += sum(row["matches"] for row in rows)
            seq = rows[-1]["seq"]

    async def _cancel(self, action: Action, rest: _Range) -> None:
        while True:
            try:
                ids, after = await self._store.run(partial(self._step, action=action, rest=rest))
            except Exception as fault:  # noqa: BLE001 - a full disk must not end the action
                logging.getLogger(__name__).warning("bulk action %s waits: %r", action.id, fault)
                await asyncio.sleep(_PAUSE_AFTER_FAULT_S)
                continue
            self._engine.forget(ids)
            if after is None:
                return
            rest = rest._replace(after=after)

    def _step(
        self, connection: sqlite3.Connection, action: Action, rest: _Range
    ) -> tuple[list[str], int | None]:
        """Cancels some messages, and returns them with where to go on, None at the end."""
        now_ms = self._clock.now_ms()
        rows = _matches(connection, action.wanted, rest, _CANCELLED_AT_ONCE)
        ids = [row["id"] for row in rows if row["matches"]]
        for message_id in ids:
            is_in_flight = self._engine.is_in_flight(message_id)
            attempts.cancel(connection, message_id, now_ms, is_in_flight=is_in_flight)
        if not rows:
            bulk_actions.finish(connection, action.id, now_ms)
            return [], None
        seq = rows[-1]["seq"]
        bulk_actions.advance(connection, action.id, cancelled=len(ids), seq=seq)
        return ids, seq


def _key(wanted: Filter) -> str:
    return json.dumps(
        {name: sorted(set(values)) for name, values in wanted.items()}, sort_keys=True
    )


def _conditions(wanted: Filter) -> list[filters.Condition]:
    return filters.conditions(
        wanted, filters.MESSAGE_FILTERS, time_column="messages.created_ms", besides=frozenset()
    )


def _matches(
    connection: sqlite3.Connection, wanted: Filter, among: _Range, limit: int
) -> list[sqlite3.Row]:
    """Live messages in the order of their publishing, each with whether it matches."""
    clause, values = filters.where(_conditions(wanted))
    return connection.execute(
        f"SELECT seq, id, ({clause}) AS matches "  # noqa: S608 - built of our own names
        "FROM messages INDEXED BY live_by_seq "
        "WHERE status = 'live' AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
        (*values, among.after, among.last, limit),
    ).fetchall()

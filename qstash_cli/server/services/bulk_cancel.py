"""Cancels by filter: a bulk action runs in the background, a few messages at a time.

Source: QStash docs, "Cancel messages in bulk".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from qstash_cli.server.clock import Clock
from qstash_cli.server.delivery import cancelling
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import Parameters, split
from qstash_cli.server.storage import bulk_actions
from qstash_cli.server.storage.store import Connection, Store

# How long a request waits for its action. Then it gets 429, and the action continues.
SYNCHRONOUS_S = 60.0
_ACTIONS_LIMIT = 1000
# The rows that a job of the store reads: while it runs, the event loop does nothing else.
_CANCELLED_PER_STEP = 200
_COUNTED_PER_STEP = 4000
_NO_LAST = 2**62
_PAUSE_AFTER_FAULT_S = 1.0
_NO_FILTERS = frozenset({"count", "cursor", "async"})

Filter = Mapping[str, Sequence[str]]


class _Range(NamedTuple):
    """The live messages that are still to be examined, by their sequence numbers."""

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
    """Parses the filter of a bulk cancel. Raises `ApiError` if it is not valid."""
    wanted = {
        name: split(name, values) for name, values in given.items() if name not in _NO_FILTERS
    }
    bulk_actions.validate_filter(wanted)
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
        """Continues the actions that a stopped server left in progress."""
        for stored in await self._store.run(bulk_actions.list_unfinished):
            action = Action(id=stored.id, wanted=stored.filter)
            action.total.set_result(stored.total)
            rest = _Range(stored.next_seq, stored.last_seq)
            self._begin(action, self._cancel(action, rest))

    async def stop(self) -> None:
        """Stops; a server that is started on the same store continues."""
        tasks = [action.task for action in self._running.values() if action.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def accept(self, wanted: Filter) -> tuple[str, int]:
        """Returns the id of the action for a filter, and the number of matching messages.

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
        """Returns the number of messages that matched, once the action is finished.

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
        """Counts the matching messages; also returns the last live message's sequence number."""
        total, seq = 0, 0
        while True:
            found = await self._store.run(
                partial(
                    bulk_actions.list_matches,
                    wanted=wanted,
                    after=seq,
                    last=_NO_LAST,
                    limit=_COUNTED_PER_STEP,
                )
            )
            if not found:
                return total, seq
            total += sum(one.matches for one in found)
            seq = found[-1].seq

    async def _cancel(self, action: Action, rest: _Range) -> None:
        while True:
            try:
                ids, after = await self._store.run(partial(self._step, action=action, rest=rest))
            except Exception as fault:  # noqa: BLE001 - a full disk must not stop the action
                logging.getLogger(__name__).warning("bulk action %s waits: %r", action.id, fault)
                await asyncio.sleep(_PAUSE_AFTER_FAULT_S)
                continue
            self._engine.remove(ids)
            if after is None:
                return
            rest = rest._replace(after=after)

    def _step(
        self, connection: Connection, action: Action, rest: _Range
    ) -> tuple[list[str], int | None]:
        """Cancels some messages; returns them and where the next step begins, None at the end."""
        now_ms = self._clock.now_ms()
        found = bulk_actions.list_matches(
            connection, action.wanted, after=rest.after, last=rest.last, limit=_CANCELLED_PER_STEP
        )
        ids = [one.id for one in found if one.matches]
        for message_id in ids:
            is_in_flight = self._engine.is_in_flight(message_id)
            cancelling.cancel(connection, message_id, now_ms, is_in_flight=is_in_flight)
        if not found:
            bulk_actions.finish(connection, action.id, now_ms)
            return [], None
        seq = found[-1].seq
        bulk_actions.advance(connection, action.id, cancelled=len(ids), seq=seq)
        return ids, seq


def _key(wanted: Filter) -> str:
    return json.dumps(
        {name: sorted(set(values)) for name, values in wanted.items()}, sort_keys=True
    )

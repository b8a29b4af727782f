"""When each message is delivered, and what happens then."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from qstash_cli.server import attempts, flow, keys, queues
from qstash_cli.server.clock import Clock
from qstash_cli.server.delivery import Deliverer
from qstash_cli.server.flow import Flow
from qstash_cli.server.message import Message
from qstash_cli.server.publishing import Stored
from qstash_cli.server.queueing import Queueing
from qstash_cli.server.sender import Sender
from qstash_cli.server.store import Store

# Stands among the messages that are due, and means that a flow control key may let some in.
_TICKET = "flow:"
_PAUSE_AFTER_FAULT_MS = 1000


class Engine:
    """Delivers what is due, a bounded number at once; times are the clock's milliseconds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        deliverer: Deliverer,
        new_id: Callable[[str], str],
        *,
        most_at_once: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._sender = Sender(deliverer, clock, new_id)
        self._new_id = new_id
        self._most_at_once = most_at_once
        self._due: list[tuple[int, int, str]] = []
        self._order = itertools.count()
        # The valid entry of each message in `_due`: one that was released has an older entry too.
        self._entries: dict[str, tuple[int, int, str]] = {}
        self._queueing = Queueing(self._push)
        self._flows: dict[str, Flow] = {}
        self._flow_of: dict[str, Flow] = {}
        self._changed = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._in_flight: set[str] = set()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes up everything that the store says is still to be delivered."""
        for queue in await self._store.run(queues.every):
            self.set_queue(
                queue["name"],
                parallelism=queue["parallelism"],
                is_paused=bool(queue["is_paused"]),
            )
        for limits in await self._store.run(flow.every):
            self.set_flow(limits)
        await self._store.run(
            lambda connection: attempts.complete_cancels(connection, self._clock.now_ms())
        )
        rows = await self._store.run(_live)
        for row in rows:
            if row["held_queue"] is not None:
                self._queueing.hold(row["held_queue"], row["callback_of"], row["id"])
        for row in rows:
            if row["flow_key"] in self._flows:
                self._flow_of[row["id"]] = self._flows[row["flow_key"]]
            self.add(row["id"], row["due_ms"], row["queue"])
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops; what is in flight is delivered again at the next start."""
        tasks = [*self._running, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def add(self, message_id: str, due_ms: int, queue: str | None = None) -> None:
        """Delivers a stored message at its time, or when its queue has come to it."""
        if queue is None:
            self._push(message_id, due_ms)
        else:
            self._queueing.add(queue, message_id, due_ms)

    def add_all(self, stored: Iterable[Stored]) -> None:
        """Delivers what a publish has stored."""
        for one in stored:
            if one.flow is not None:
                self._flow_of[one.message_id] = self.set_flow(one.flow)
            self.add(one.message_id, one.due_ms, one.queue)

    def set_queue(self, name: str, *, parallelism: int, is_paused: bool) -> None:
        """Changes how a queue delivers; what is on its way goes on."""
        self._queueing.set(name, parallelism=parallelism, is_paused=is_paused)

    def set_flow(self, limits: sqlite3.Row) -> Flow:
        """Gives a flow control key its stored limits, and lets in who may come in now."""
        key = limits["key"]
        changed = self._flows.setdefault(key, Flow(key))
        changed.take_over(limits)
        self._push(f"{_TICKET}{key}", self._clock.now_ms())
        return changed

    def flow(self, key: str) -> Flow | None:
        """A flow control key as it stands, None if nothing has named it."""
        return self._flows.get(key)

    @property
    def flows(self) -> list[Flow]:
        """All flow control keys by name."""
        return [self._flows[key] for key in sorted(self._flows)]

    @property
    def in_flight(self) -> int:
        """How many deliveries there are at this moment."""
        return len(self._running)

    def is_in_flight(self, message_id: str) -> bool:
        """Whether an attempt has begun whose outcome is not stored yet.

        Exact inside a job of the store, which begins and ends attempts in jobs too.
        """
        return message_id in self._in_flight

    def is_waiting(self, message_id: str) -> bool:
        """Whether a message waits for its delay or for a retry."""
        entry = self._entries.get(message_id)
        return entry is not None and entry[0] > self._clock.now_ms()

    def release(self, message_id: str) -> None:
        """Makes a message that waits for its delay or for a retry due now."""
        if message_id in self._entries:
            self._push(message_id, self._clock.now_ms())

    def forget(self, message_ids: Sequence[str]) -> None:
        """Lets the next ones of their queues go on in place of cancelled messages.

        An attempt in flight keeps its place in the queue until it ends.
        """
        waiting = [one for one in message_ids if not self.is_in_flight(one)]
        for message_id in waiting:
            self._entries.pop(message_id, None)
            waits_in = self._flow_of.pop(message_id, None)
            if waits_in is not None and message_id in waits_in.waiting:
                waits_in.waiting.remove(message_id)
        self._queueing.leave(waiting)

    def _push(self, message_id: str, due_ms: int) -> None:
        own = (due_ms, next(self._order), message_id)
        heapq.heappush(self._due, own)
        if not message_id.startswith(_TICKET):
            self._entries[message_id] = own
        if self._due[0] is own:
            # Whatever is due before is waited for already.
            self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            self._start_due()
            wait_s = None
            if self._due and len(self._running) < self._most_at_once:
                wait_s = self._clock.seconds_until(self._due[0][0])
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _start_due(self) -> None:
        now_ms = self._clock.now_ms()
        while self._due and len(self._running) < self._most_at_once and self._due[0][0] <= now_ms:
            entry = heapq.heappop(self._due)
            message_id = entry[2]
            if message_id.startswith(_TICKET):
                self._let_in(self._flows[message_id.removeprefix(_TICKET)], now_ms)
                continue
            if self._entries.get(message_id) is not entry:
                # Released or cancelled since.
                continue
            del self._entries[message_id]
            if (limits := self._flow_of.get(message_id)) is None:
                self._begin(message_id, None)
            else:
                limits.waiting.append(message_id)
                self._let_in(limits, now_ms)

    def _let_in(self, limits: Flow, now_ms: int) -> None:
        while limits.waiting:
            if len(self._running) >= self._most_at_once:
                self._push(f"{_TICKET}{limits.key}", now_ms)
                return
            if not limits.enter(now_ms):
                break
            self._begin(limits.waiting.popleft(), limits)
        if limits.waiting and limits.is_out_of_rate(now_ms):
            self._push(f"{_TICKET}{limits.key}", limits.opens_ms)

    def _begin(self, message_id: str, limits: Flow | None) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            if limits is not None:
                limits.active -= 1
                self._push(f"{_TICKET}{limits.key}", self._clock.now_ms())
            self._changed.set()

        self._in_flight.add(message_id)
        task = asyncio.create_task(self._attempt(message_id))
        self._running.add(task)
        task.add_done_callback(ended)

    async def _attempt(self, message_id: str) -> None:
        try:
            await self._deliver(message_id)
        except Exception as fault:  # noqa: BLE001 - whatever it is, no message is forgotten for it
            self._in_flight.discard(message_id)
            logging.getLogger(__name__).warning("%s is put off: %r", message_id, fault)
            self._push(message_id, self._clock.now_ms() + _PAUSE_AFTER_FAULT_MS)

    async def _deliver(self, message_id: str) -> None:
        def begin(connection: sqlite3.Connection) -> tuple[Message | None, str]:
            found = attempts.begin(connection, message_id, self._clock.now_ms())
            return found, keys.read(connection).current

        message, key = await self._store.run(begin)
        if message is None:
            self._in_flight.discard(message_id)
            self.forget([message_id])
            return
        answer = await self._sender.send(message, key)

        def end(connection: sqlite3.Connection) -> attempts.Ended:
            ended = attempts.end(
                connection,
                message,
                answer,
                now_ms=self._clock.now_ms(),
                now_s=self._clock.now_s(),
                new_id=self._new_id,
            )
            self._in_flight.discard(message_id)
            return ended

        ended = await self._store_outcome(message_id, end)
        queue = self._queueing.queue_of(message_id)
        for created_id, due_ms in ended.created:
            if queue is not None:
                self._queueing.hold(queue, message_id, created_id)
            self._push(created_id, due_ms)
        if ended.retry_at_ms is None:
            self.forget([message_id])
        else:
            self._push(message_id, ended.retry_at_ms)

    async def _store_outcome(
        self, message_id: str, end: Callable[[sqlite3.Connection], attempts.Ended]
    ) -> attempts.Ended:
        """Stores what came of an attempt, as often as it takes: the attempt cannot be undone."""
        while True:
            try:
                return await self._store.run(end)
            except sqlite3.OperationalError as fault:
                self._in_flight.add(message_id)
                logging.getLogger(__name__).warning(
                    "the outcome of %s cannot be stored yet: %s", message_id, fault
                )
                await asyncio.sleep(_PAUSE_AFTER_FAULT_MS / 1000)


def _live(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT id, due_ms, queue, flow_key, callback_of, (SELECT source.queue FROM messages "
        "AS source WHERE source.id = messages.callback_of) AS held_queue "
        "FROM messages WHERE status = 'live' ORDER BY seq"
    ).fetchall()

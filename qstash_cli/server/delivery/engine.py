"""The delivery engine: starts attempts when they are due, and stores their results."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable, Iterable, Sequence

from qstash_cli.server.clock import LONGEST_WAIT_S, Alarm, Clock
from qstash_cli.server.delivery import attempts, restoring
from qstash_cli.server.delivery.attempts import AttemptContext, AttemptResult
from qstash_cli.server.delivery.dispatch import Dispatcher, Lane, PendingMessage, host_of
from qstash_cli.server.delivery.flow_control import Flow
from qstash_cli.server.delivery.http_attempt import Deliverer
from qstash_cli.server.delivery.injection import FaultInjection
from qstash_cli.server.delivery.planning import AttemptPlan, Planner, TracedHeaders
from qstash_cli.server.delivery.queue_order import Queueing
from qstash_cli.server.delivery.repeated_warnings import RepeatedWarnings
from qstash_cli.server.delivery.sender import Sender
from qstash_cli.server.delivery.waits import Waits
from qstash_cli.server.delivery.workflow_runs import RunContext, RunEnd
from qstash_cli.server.storage import flow_limits, queues
from qstash_cli.server.storage.flow_limits import FlowLimits
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.queues import Queue
from qstash_cli.server.storage.store import Connection, Store, StoreError

_PAUSE_AFTER_FAULT_MS = 1000
# Moving this many due messages keeps other tasks waiting for some milliseconds.
_MAX_DUE_PER_STEP = 1000
# Stale entries are removed when there are more of them than valid ones.
_MAX_STALE = 1000
_logger = logging.getLogger(__name__)


class Engine:
    """Delivers due messages, at most `max_concurrency` at a time; times are in ms of the clock.

    A message waits for its turn in its queue, then for its time, then in the dispatcher for the
    limits. Reads the clock every `check_clock_every_s` real seconds, since it may jump.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        deliverer: Deliverer,
        new_id: Callable[[str], str],
        *,
        max_concurrency: int,
        check_clock_every_s: float = LONGEST_WAIT_S,
        injection: FaultInjection | None = None,
        traced: TracedHeaders | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._deliverer = deliverer
        self._waits = Waits(clock)
        self._sender = Sender(deliverer, clock, new_id, self._waits)
        self._new_id = new_id
        self._planner = Planner(injection, traced)
        self._due: list[PendingMessage] = []
        # The valid entry of each message in `_due`: a released one has an older entry too.
        self._delayed: dict[str, PendingMessage] = {}
        self._order = itertools.count()
        self._queueing = Queueing(self._push)
        self._flows: dict[str, Flow] = {}
        self._dispatcher = Dispatcher(max_concurrency)
        self._alarm = Alarm(clock, check_clock_every_s)
        self._last_read_ms = 0
        self._running: set[asyncio.Task[None]] = set()
        self._in_flight: set[str] = set()
        self._warnings = RepeatedWarnings()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Loads every undelivered message from the store, and starts to deliver."""
        for queue in await self._store.run(queues.list_all):
            parallelism, is_paused = restoring.queue_limits(queue)
            self._queueing.set(queue.name, parallelism=parallelism, is_paused=is_paused)
        for limits in await self._store.run(flow_limits.list_all):
            self.set_flow(limits)
        live = await self._store.run(lambda c: restoring.load(c, self._run_context()))
        for message in live:
            if message.held_queue is not None and message.callback_of is not None:
                self._queueing.hold(message.held_queue, message.callback_of, message.id)
        self.add(live)
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops; messages in flight are delivered again at the next start."""
        tasks = [*self._running, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def add(self, messages: Iterable[StoredMessage]) -> None:
        """Delivers messages that have been stored, when they are due."""
        for message in messages:
            if message.flow is not None:
                self.set_flow(message.flow)
            pending = PendingMessage(
                due_ms=message.due_ms,
                order=next(self._order),
                message_id=message.id,
                host=host_of(self._deliverer.route(message.url)),
                flow=None if message.flow_key is None else self._flows.get(message.flow_key),
            )
            if message.queue is None:
                self._push(pending)
            else:
                self._queueing.add(message.queue, pending)

    def is_waiting(self, message_id: str) -> bool:
        """Returns whether a message waits for its delay or for a retry."""
        pending = self._delayed.get(message_id)
        return pending is not None and pending.due_ms > self._clock.now_ms()

    def release(self, message_id: str) -> None:
        """Makes a message that waits for its delay or for a retry due now."""
        pending = self._delayed.get(message_id)
        if pending is not None:
            self._push(pending._replace(due_ms=self._clock.now_ms(), order=next(self._order)))

    def clock_changed(self) -> None:
        """Checks what is due after the clock was moved or its speed was changed."""
        self._waits.clock_changed()
        self._alarm.ring()

    @property
    def is_idle(self) -> bool:
        """Whether nothing happens until the clock moves on, or something is published."""
        return self._alarm.is_idle and len(self._running) == self._waits.sleeping

    @property
    def next_ms(self) -> int | None:
        """When the next attempt or rate period begins, or a wait in an attempt ends."""
        while self._due and self._delayed.get(self._due[0].message_id) is not self._due[0]:
            heapq.heappop(self._due)
        due_ms = self._due[0].due_ms if self._due else None
        times = (due_ms, self._dispatcher.next_opening_ms, self._waits.next_ms)
        return min((time for time in times if time is not None), default=None)

    def set_queue(self, queue: Queue) -> None:
        """Applies the stored limits of a queue; messages in flight are not affected."""
        self._queueing.set(
            queue.name, parallelism=queue.parallelism, is_paused=bool(queue.is_paused)
        )

    def reset_queue(self, name: str) -> None:
        """Gives a queue that was deleted the limits of a new one."""
        self._queueing.set(name, parallelism=1, is_paused=False)

    def set_flow(self, limits: FlowLimits) -> None:
        """Applies the stored limits of a flow control key."""
        key = limits.key
        changed = self._flows.setdefault(key, Flow(key))
        try:
            changed.apply(limits)
        except ValueError as fault:
            # Without its limits it might send more than its destination accepts.
            changed.is_paused = True
            _logger.warning("flow control key %r is paused, its limits are damaged: %s", key, fault)
        self._dispatcher.recheck(changed)
        self._alarm.ring()

    def flow(self, key: str) -> Flow | None:
        """Returns the flow control key with this name, or None if no message has used it."""
        return self._flows.get(key)

    @property
    def flows(self) -> list[Flow]:
        """All flow control keys by name."""
        return [self._flows[key] for key in sorted(self._flows)]

    @property
    def in_flight(self) -> int:
        """The number of deliveries in flight."""
        return self._dispatcher.in_flight

    def is_in_flight(self, message_id: str) -> bool:
        """Returns whether an attempt has begun and its result is not stored yet.

        Exact inside a job of the store, which begins and ends attempts in jobs too.
        """
        return message_id in self._in_flight

    def remove(self, message_ids: Sequence[str]) -> None:
        """Removes cancelled messages, so that the next messages of their queues can start.

        An attempt in flight keeps its place in the queue until it ends.
        """
        waiting = [one for one in message_ids if not self.is_in_flight(one)]
        for message_id in waiting:
            self._delayed.pop(message_id, None)
        if len(self._due) > _MAX_STALE + 2 * len(self._delayed):
            self._due = sorted(self._delayed.values())
        self._dispatcher.remove(waiting)
        self._queueing.leave(waiting)

    def _push(self, pending: PendingMessage) -> None:
        heapq.heappush(self._due, pending)
        self._delayed[pending.message_id] = pending
        if self._due[0] is pending or pending.due_ms <= self._clock.now_ms():
            # The loop waits for an earlier message already.
            self._alarm.ring()

    async def _run(self) -> None:
        while True:
            try:
                is_more_due = self._start_due()
            except Exception:
                # Whatever it is, the other messages must still be delivered.
                _logger.exception("the next deliveries could not be started")
                is_more_due = False
            if is_more_due:
                await asyncio.sleep(0)
            else:
                await self._alarm.wait(self.next_ms)

    def _start_due(self) -> bool:
        now_ms = self._clock.now_ms()
        if now_ms < self._last_read_ms:
            self._dispatcher.clock_was_set_back()
        self._last_read_ms = now_ms
        self._dispatcher.open_periods(now_ms)
        for _ in range(_MAX_DUE_PER_STEP):
            if not self._due or self._due[0].due_ms > now_ms:
                break
            pending = heapq.heappop(self._due)
            if self._delayed.get(pending.message_id) is pending:
                del self._delayed[pending.message_id]
                self._dispatcher.add(pending)
        while start := self._dispatcher.start_next(now_ms):
            self._begin(start.pending, start.lane)
        return bool(self._due) and self._due[0].due_ms <= now_ms

    def _begin(self, pending: PendingMessage, lane: Lane) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            self._dispatcher.end(lane)
            self._alarm.ring()

        self._in_flight.add(pending.message_id)
        task = asyncio.create_task(self._attempt(pending))
        self._running.add(task)
        task.add_done_callback(ended)

    async def _attempt(self, pending: PendingMessage) -> None:
        try:
            result = await self._deliver(pending.message_id)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the message must be tried again
            self._in_flight.discard(pending.message_id)
            self._warnings.warn(f"a delivery is postponed by a second: {fault!r}")
            result = AttemptResult(retry_at_ms=self._clock.now_ms() + _PAUSE_AFTER_FAULT_MS)
        queue = self._queueing.queue_of(pending.message_id)
        if queue is not None:
            for callback in result.callbacks:
                self._queueing.hold(queue, pending.message_id, callback.id)
        self.add(result.callbacks)
        self.add(result.run_end.created)
        self.remove(result.run_end.cancelled)
        if result.retry_at_ms is None:
            self.remove([pending.message_id])
        else:
            self._push(pending._replace(due_ms=result.retry_at_ms, order=next(self._order)))

    def _run_context(self) -> RunContext:
        return RunContext(self._clock.now_ms(), self._new_id, self.is_in_flight)

    async def _deliver(self, message_id: str) -> AttemptResult:
        def begin(connection: Connection) -> AttemptPlan | RunEnd:
            begun = self._planner.begin(connection, message_id, self._run_context())
            if isinstance(begun, RunEnd):
                self._in_flight.discard(message_id)
            return begun

        plan = await self._store.run(begin)
        if isinstance(plan, RunEnd):
            return AttemptResult(run_end=plan)
        response = await self._sender.send(plan)

        def end(connection: Connection) -> AttemptResult:
            context = AttemptContext(
                self._clock.now_ms(), self._clock.now_s(), self._new_id, self.is_in_flight
            )
            result = attempts.end(connection, plan.message, response, context)
            self._in_flight.discard(message_id)
            return result

        while True:
            try:
                return await self._store.run(end)
            except StoreError as fault:
                # The attempt cannot be undone, so its result is stored as soon as possible.
                self._in_flight.add(message_id)
                self._warnings.warn(f"the result of a delivery cannot be stored yet: {fault}")
                await asyncio.sleep(_PAUSE_AFTER_FAULT_MS / 1000)

"""Fires the schedules when they are due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from qstash_cli.protocol.limits import PlanLimits
from qstash_cli.server.clock import LONGEST_WAIT_S, Alarm, Clock
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.services import firing
from qstash_cli.server.services.publishing import PublishResult
from qstash_cli.server.storage import logs, schedules
from qstash_cli.server.storage.store import Connection, Store

_PAUSE_AFTER_FAULT_S = 1.0
# As in Debian's cron(8): a clock that is set back by more than three hours has been corrected, and
# the new time is used at once. After a smaller step no time fires again.
_CORRECTION_MS = 3 * 3_600_000


class Scheduler:
    """Fires each schedule when it is due. Call `changed` when another schedule may be next.

    Reads the clock at least every `check_clock_every_s` real seconds, since it may jump. A schedule
    that missed several times fires once.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        engine: Engine,
        new_id: Callable[[str], str],
        limits: PlanLimits,
        *,
        check_clock_every_s: float = LONGEST_WAIT_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._engine = engine
        self._new_id = new_id
        self._limits = limits
        self._alarm = Alarm(clock, check_clock_every_s)
        self._is_current = False
        self._next_ms: int | None = None
        self._latest_ms = 0
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts to wait for the next schedule."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops firing."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    def changed(self) -> None:
        """Checks again which schedule is next."""
        self._is_current = False
        self._alarm.ring()

    @property
    def is_idle(self) -> bool:
        """Whether nothing happens until `next_ms`, or until a schedule is changed."""
        return self._alarm.is_idle

    @property
    def next_ms(self) -> int | None:
        """When the next schedule fires, None if there isn't one."""
        return self._next_ms

    async def restart_from(self, at_ms: int, move_clock: Callable[[], None]) -> None:
        """Moves the clock to a time and continues there: no schedule fires for those before it."""

        def restart(connection: Connection) -> None:
            # In the same job, so that nothing fires in between.
            move_clock()
            firing.restart_from(connection, at_ms)

        await self._store.run(restart)
        self._latest_ms = at_ms
        self.changed()

    async def _run(self) -> None:
        is_loaded = False
        while True:
            try:
                if not is_loaded:
                    self._latest_ms = await self._store.run(self._load)
                    is_loaded = True
                await self._step()
            except Exception as fault:  # noqa: BLE001 - whatever it is, the other schedules must fire
                logging.getLogger(__name__).warning("schedules could not be fired yet: %r", fault)
                self._is_current = False
                await asyncio.sleep(_PAUSE_AFTER_FAULT_S)

    def _load(self, connection: Connection) -> int:
        firing.repair(connection, self._clock.now_ms())
        return max(logs.last_step_ms(connection), schedules.last_change_ms(connection))

    async def _step(self) -> None:
        now_ms = self._clock.now_ms()
        if now_ms < self._latest_ms - _CORRECTION_MS:
            await self._store.run(lambda connection: firing.move_back(connection, now_ms))
            self._latest_ms, self._is_current = now_ms, False
        self._latest_ms = max(self._latest_ms, now_ms)
        if not self._is_current:
            # A change in the meantime is noticed in the next step.
            self._is_current = True
            self._next_ms = await self._store.run(schedules.next_due_ms)
        if self._next_ms is None or self._next_ms > self._clock.now_ms():
            await self._alarm.wait(self._next_ms)
            return
        self._is_current = False
        for result in await self._store.run(self._fire_due):
            self._engine.add(result.messages)

    def _fire_due(self, connection: Connection) -> list[PublishResult]:
        # The clock may have been set back since the step began.
        return firing.fire_due(connection, self._clock.now_ms(), self._new_id, self._limits)

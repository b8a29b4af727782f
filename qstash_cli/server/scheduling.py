"""Firing the schedules when their time comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from qstash_cli.protocol.limits import Limits
from qstash_cli.server import schedules
from qstash_cli.server.clock import Clock
from qstash_cli.server.engine import Engine
from qstash_cli.server.store import Store

_PAUSE_AFTER_FAULT_S = 1.0


class Scheduler:
    """Waits for the next schedule; `changed` is told when there may be an earlier one."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        engine: Engine,
        new_id: Callable[[str], str],
        limits: Limits,
    ) -> None:
        self._store = store
        self._clock = clock
        self._engine = engine
        self._new_id = new_id
        self._limits = limits
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts to wait."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    def changed(self) -> None:
        """Looks again which schedule is next."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._fire_next()
            except Exception as fault:  # noqa: BLE001 - whatever it is, the other schedules go on
                logging.getLogger(__name__).warning("the schedules are put off: %r", fault)
                await asyncio.sleep(_PAUSE_AFTER_FAULT_S)

    async def _fire_next(self) -> None:
        self._wake.clear()
        due_ms = await self._store.run(schedules.next_due_ms)
        wait_s = None if due_ms is None else self._clock.seconds_until(due_ms)
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
                return
        except TimeoutError:
            pass
        fired = await self._store.run(
            lambda connection: schedules.fire_due(
                connection, self._clock.now_ms(), self._new_id, self._limits
            )
        )
        for accepted in fired:
            self._engine.add_all(accepted.stored)

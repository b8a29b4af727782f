"""Waits within an attempt that pass in the server's time when the clock is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from qstash_cli.server.clock import Clock, ManualClock

T = TypeVar("T")


class Waits:
    """The waits of the attempts in flight.

    With any other clock than a manual one, they take real time, whatever its speed.
    """

    def __init__(self, clock: Clock) -> None:
        self._manual = clock if isinstance(clock, ManualClock) else None
        self._ends: dict[asyncio.Future[None], int] = {}
        self._sleeping = 0

    @property
    def are_manual(self) -> bool:
        """Whether they pass in the server's time."""
        return self._manual is not None

    @property
    def sleeping(self) -> int:
        """The number of attempts that do nothing until the clock is moved."""
        return self._sleeping

    @property
    def next_ms(self) -> int | None:
        """When the next wait ends by a manual clock, None if there isn't one."""
        return min(self._ends.values(), default=None)

    def clock_changed(self) -> None:
        """Ends the waits whose time has come."""
        if self._manual is None:
            return
        for end, at_ms in list(self._ends.items()):
            if at_ms <= self._manual.now_ms() and not end.done():
                end.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        if self._manual is None:
            await asyncio.sleep(seconds)
            return
        self._sleeping += 1
        try:
            await self._end_of(self._manual, seconds)
        finally:
            self._sleeping -= 1

    async def limit(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """Returns what `work` returns. Raises `TimeoutError` if it takes longer."""
        if self._manual is None:
            async with asyncio.timeout(seconds):
                return await work
        task = asyncio.ensure_future(work)
        end = asyncio.ensure_future(self._end_of(self._manual, seconds))
        try:
            await asyncio.wait({task, end}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimeoutError
            return task.result()
        finally:
            task.cancel()
            end.cancel()
            await asyncio.gather(task, end, return_exceptions=True)

    async def _end_of(self, clock: ManualClock, seconds: float) -> None:
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ends[end] = clock.now_ms() + round(seconds * 1000)
        try:
            await end
        finally:
            del self._ends[end]

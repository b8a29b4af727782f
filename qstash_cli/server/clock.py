"""The server's time, which may run faster than the world's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

# The longest time for which a jump of the clock may go unnoticed.
LONGEST_WAIT_S = 1.0


class Clock(Protocol):
    """What time it is for delays, retries and deduplication, in unix milliseconds."""

    def now_ms(self) -> int:
        """The server's time."""

    def seconds_until(self, at_ms: int) -> float:
        """Real seconds until the server's time is `at_ms`, none if it has passed."""

    def now_s(self) -> float:
        """The world's time in unix seconds, as it stands inside signatures."""


@dataclass(frozen=True)
class ScaledClock:
    """The system's clock, running `speed` times as fast since it was made.

    Its first time is the world's, or `at_least_ms` if that is later.
    """

    speed: float = 1.0
    started_at_s: float = field(default_factory=time.time)
    at_least_ms: int = 0

    def now_ms(self) -> int:
        """The server's time."""
        real_s = time.time()
        first_ms = max(self.started_at_s * 1000, self.at_least_ms)
        return round(first_ms + (real_s - self.started_at_s) * self.speed * 1000)

    def seconds_until(self, at_ms: int) -> float:
        """Real seconds until the server's time is `at_ms`, none if it has passed."""
        return max(0.0, (at_ms - self.now_ms()) / 1000 / self.speed)

    def now_s(self) -> float:
        """The world's time in unix seconds."""
        return time.time()


class Alarm:
    """Wakes its one waiter when it is rung, or when the clock reaches a time.

    The clock may jump while a computer sleeps or when its time is set, which no timer notices. So
    the clock is read again every `check_every_s` real seconds.
    """

    def __init__(self, clock: Clock, check_every_s: float = LONGEST_WAIT_S) -> None:
        self._clock = clock
        self._check_every_s = check_every_s
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Ends the wait, or the next one if nobody waits."""
        self._rung.set()

    async def wait(self, at_ms: int | None) -> None:
        """Waits until it is rung, until the clock reaches `at_ms`, or until the next check.

        Without a time it waits until it is rung.
        """
        wait_s = None
        if at_ms is not None:
            wait_s = min(self._check_every_s, self._clock.seconds_until(at_ms))
        try:
            async with asyncio.timeout(wait_s):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()

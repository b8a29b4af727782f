"""The server's clock, which may run faster than the system's."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Protocol

# A jump of the clock is noticed within this time.
LONGEST_WAIT_S = 1.0


class Clock(Protocol):
    """The time for delays, retries and deduplication, in unix milliseconds."""

    def now_ms(self) -> int:
        """Returns the server's time."""

    def seconds_until(self, at_ms: int) -> float:
        """Returns real seconds until the server's time is `at_ms`, 0 if it has passed."""

    def now_s(self) -> float:
        """Returns the system's time in unix seconds, which signatures contain."""


class ScaledClock:
    """A clock that runs `speed` times as fast as the system's from its creation on.

    It starts at the system's time, or at `at_least_ms` if that is later.
    """

    def __init__(
        self, speed: float = 1.0, started_at_s: float | None = None, at_least_ms: int = 0
    ) -> None:
        self._real_s = time.time() if started_at_s is None else started_at_s
        self._at_ms = max(self._real_s * 1000, float(at_least_ms))
        self._speed = speed
        self._changes = 0

    @property
    def changes(self) -> int:
        """How often the clock was moved or its speed was set."""
        return self._changes

    @property
    def speed(self) -> float:
        """How many seconds pass for each second of the system's clock."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Runs at another speed from now on."""
        self._continue()
        self._speed = speed

    def advance(self, milliseconds: int) -> None:
        """Moves forward at once."""
        self._continue()
        self._at_ms += milliseconds

    def now_ms(self) -> int:
        """Returns the server's time."""
        return round(self._at_ms + (time.time() - self._real_s) * self._speed * 1000)

    def seconds_until(self, at_ms: int) -> float:
        """Returns real seconds until the server's time is `at_ms`, 0 if it has passed."""
        return max(0.0, (at_ms - self.now_ms()) / 1000 / self._speed)

    def now_s(self) -> float:
        """Returns the system's time in unix seconds."""
        return time.time()

    def _continue(self) -> None:
        """Makes the present the time from which the clock counts."""
        self._at_ms, self._real_s = self.now_ms(), time.time()
        self._changes += 1


class ManualClock:
    """A clock that stands still unless it is moved. It starts at `at_ms`, in unix milliseconds."""

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms
        self._changes = 0

    @property
    def changes(self) -> int:
        """How often the clock was moved."""
        return self._changes

    @property
    def speed(self) -> float:
        """How many seconds pass for each second of the system's clock: none."""
        return 0.0

    def set(self, at_ms: int) -> None:
        """Moves to a time, which may be earlier."""
        self._at_ms = at_ms
        self._changes += 1

    def now_ms(self) -> int:
        """Returns the server's time."""
        return self._at_ms

    def seconds_until(self, at_ms: int) -> float:
        """Returns 0 if the clock has reached a time; otherwise no number of seconds suffices."""
        return 0.0 if at_ms <= self._at_ms else math.inf

    def now_s(self) -> float:
        """Returns the system's time in unix seconds, by which receivers check signatures."""
        return time.time()


class Alarm:
    """Wakes its one waiter when it rings, or when the clock reaches a time.

    Reads the clock every `check_every_s` real seconds: no timer notices that the clock jumps when a
    computer sleeps or its time is set.
    """

    def __init__(self, clock: Clock, check_every_s: float = LONGEST_WAIT_S) -> None:
        self._clock = clock
        self._check_every_s = check_every_s
        self._rung = asyncio.Event()
        self._is_awaited = False

    @property
    def is_idle(self) -> bool:
        """Whether the waiter waits, and nothing has ended its wait."""
        return self._is_awaited and not self._rung.is_set()

    def ring(self) -> None:
        """Ends the wait, or the next one if there isn't one now."""
        self._rung.set()

    async def wait(self, at_ms: int | None) -> None:
        """Waits until `ring` is called, the clock reaches `at_ms`, or the next check is due.

        If `at_ms` is None, it waits until `ring` is called.
        """
        wait_s = None
        if at_ms is not None:
            wait_s = min(self._check_every_s, self._clock.seconds_until(at_ms))
        self._is_awaited = True
        try:
            async with asyncio.timeout(wait_s):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._is_awaited = False
        self._rung.clear()

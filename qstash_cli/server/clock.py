"""The server's time, which may run faster than the world's."""

from __future__ import annotations

import time
from dataclasses import field
from typing import Protocol

from qstash_cli.frozen import dataclass


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

"""Flow control: the limits of a key on concurrent deliveries and on deliveries in a period.

Source: QStash docs, "Flow control".
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qstash_cli.server.storage.flow_limits import DEFAULT_PERIOD_S, FlowLimits

if TYPE_CHECKING:
    from qstash_cli.server.delivery.dispatch import Lane


@dataclass(eq=False)
class Flow:
    """The limits of a flow control key, and the deliveries that count. A limit of 0 means no limit.

    `waiting` counts the due messages that have not started. `parked` and `awaited_ms` belong to the
    dispatcher: the lanes that this key blocks, and the start of the period that they wait for.
    """

    key: str
    parallelism: int = 0
    rate: int = 0
    period_s: int = DEFAULT_PERIOD_S
    is_paused: bool = False
    pins_parallelism: bool = False
    pins_rate: bool = False
    active: int = 0
    count: int = 0
    started_ms: int = 0
    waiting: int = 0
    parked: list[tuple[int, Lane]] = field(default_factory=list)
    awaited_ms: int | None = None

    def admits(self, now_ms: int) -> bool:
        """Returns whether another delivery may start."""
        is_full = 0 < self.parallelism <= self.active or 0 < self.rate <= self.used(now_ms)
        return not (self.is_paused or is_full)

    def enter(self, now_ms: int) -> bool:
        """Counts a delivery that starts now, unless a limit forbids it."""
        if not self.admits(now_ms):
            return False
        if not self._is_current(now_ms):
            self.restart_period(now_ms)
        self.active += 1
        self.count += 1
        return True

    @property
    def opens_ms(self) -> int:
        """When the next period begins."""
        return self.started_ms + self.period_s * 1000

    def used(self, now_ms: int) -> int:
        """Returns the number of deliveries that have started in the current period."""
        return self.count if self._is_current(now_ms) else 0

    def is_out_of_rate(self, now_ms: int) -> bool:
        """Returns whether nothing can start before the next period begins."""
        return not self.is_paused and 0 < self.rate <= self.used(now_ms)

    def _is_current(self, now_ms: int) -> bool:
        # The clock may have been set back: a period that starts in the future is over.
        return self.started_ms <= now_ms < self.opens_ms

    def apply(self, limits: FlowLimits) -> None:
        """Applies the stored limits. Raises `ValueError` if they are not numbers."""
        for name, value in zip(limits._fields[1:], limits[1:], strict=True):
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"{name} is not a number: {reprlib.repr(value)}")
        self.parallelism, self.rate = limits.parallelism, limits.rate
        self.period_s = limits.period_s
        self.is_paused = bool(limits.is_paused)
        self.pins_parallelism = bool(limits.pins_parallelism)
        self.pins_rate = bool(limits.pins_rate)

    def restart_period(self, now_ms: int) -> None:
        """Begins a new period now."""
        self.started_ms, self.count = now_ms, 0

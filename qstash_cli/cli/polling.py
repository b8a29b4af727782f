"""Polls until an outcome is final, with increasing pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeVar

from qstash_cli.errors import QstashError

T = TypeVar("T")

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_GROWTH = 1.5
_SHORTEST_PAUSE_S = 0.01


class WaitClock(Protocol):
    """The clock of a wait. `now` is in seconds; `sleep` takes seconds."""

    @property
    def now(self) -> Callable[[], float]: ...

    @property
    def sleep(self) -> Callable[[float], None]: ...


class Pending(NamedTuple):
    """The outcome is not final yet. `progress` is the text of the status line."""

    progress: str


class Deadline:
    """The time that a command may wait, from `started_at` or from now."""

    def __init__(self, clock: WaitClock, timeout_s: float, started_at: float | None = None) -> None:
        self._clock = clock
        self._started_at = clock.now() if started_at is None else started_at
        self.timeout_s = timeout_s

    def elapsed_s(self) -> float:
        """Returns how long the command has waited."""
        return self._clock.now() - self._started_at

    def sleep(self, pause_s: float) -> None:
        """Sleeps for a pause, but not beyond the deadline."""
        left_s = self.timeout_s - self.elapsed_s()
        self._clock.sleep(max(_SHORTEST_PAUSE_S, min(pause_s, left_s)))


def rounds(
    sleep: Callable[[float], None], *, pause_s: float, growth: float = 1, longest_s: float
) -> Iterator[None]:
    """Yields endlessly, with a pause between two rounds."""
    while True:
        yield
        sleep(pause_s)
        pause_s = min(longest_s, pause_s * growth)


def poll(
    attempt: Callable[[], T | Pending],
    deadline: Deadline,
    *,
    report: Callable[[str], None],
    timed_out: Callable[[], QstashError],
) -> T:
    """Calls `attempt` at least once, until its outcome is final, and returns that outcome.

    `report` receives the progress. Raises the error from `timed_out` at the deadline.
    """
    pauses = rounds(
        deadline.sleep, pause_s=_FIRST_PAUSE_S, growth=_GROWTH, longest_s=_LONGEST_PAUSE_S
    )
    for _ in pauses:
        outcome = attempt()
        if not isinstance(outcome, Pending):
            return outcome
        if deadline.elapsed_s() >= deadline.timeout_s:
            raise timed_out()
        report(outcome.progress)
    raise AssertionError

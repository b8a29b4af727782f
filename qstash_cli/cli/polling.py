"""Polls until an outcome is final, with pauses that grow."""

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
    """The clock of a wait. `now` is in seconds, `sleep` takes seconds."""

    @property
    def now(self) -> Callable[[], float]: ...

    @property
    def sleep(self) -> Callable[[float], None]: ...


class Pending(NamedTuple):
    """Not final yet. `progress` is for the status line."""

    progress: str


class Deadline:
    """The time that a command may wait, from `started_at` or from now."""

    def __init__(self, clock: WaitClock, timeout_s: float, started_at: float | None = None) -> None:
        self._clock = clock
        self._started_at = clock.now() if started_at is None else started_at
        self.timeout_s = timeout_s

    def elapsed_s(self) -> float:
        """How long the command has waited."""
        return self._clock.now() - self._started_at

    def sleep(self, pause_s: float) -> None:
        """Sleeps for a pause, which the deadline may shorten."""
        left_s = self.timeout_s - self.elapsed_s()
        self._clock.sleep(max(_SHORTEST_PAUSE_S, min(pause_s, left_s)))


def rounds(
    sleep: Callable[[float], None], *, pause_s: float, growth: float = 1, longest_s: float
) -> Iterator[None]:
    """One round after another, for ever. Sleeps between two."""
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
    """The first outcome of `attempt` that is final. It is called once at least.

    `report` receives the progress. Raises what `timed_out` returns once the time is up.
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

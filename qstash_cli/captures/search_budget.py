"""The time limit of the search for the cause of a failed check."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_PER_CAPTURE = 2.0
# For all captures of a file together, since thousands of them may fail.
SECONDS_PER_RUN = 60.0


class SearchStopped(Exception):
    """The search has reached its time limit."""


class SearchBudget:
    """Limits searches to 2 s each and `run_s` in total. `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float], run_s: float = math.inf) -> None:
        self._clock = clock
        self._run_s = self._remaining_s = run_s
        self._ends_at = math.inf

    @contextmanager
    def one_search(self) -> Iterator[None]:
        """Limits the time of the search in the block."""
        began_at = self._clock()
        self._ends_at = began_at + min(SECONDS_PER_CAPTURE, self._remaining_s)
        try:
            yield
        finally:
            self._remaining_s -= max(0.0, self._clock() - began_at)

    def raise_if_spent(self) -> None:
        """Raises `SearchStopped`, which contains the limit, if no time remains."""
        if self._clock() < self._ends_at:
            return
        if self._remaining_s < SECONDS_PER_CAPTURE:
            raise SearchStopped(f"after {self._run_s:.0f} s for all captures")
        raise SearchStopped(f"after {SECONDS_PER_CAPTURE:.0f} s")

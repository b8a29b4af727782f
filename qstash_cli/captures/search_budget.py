"""How long the search for the cause of a failure may take."""

from __future__ import annotations

from collections.abc import Callable

SECONDS_PER_CAPTURE = 2.0
# For all captures of a file together: thousands of them may be wrong.
SECONDS_PER_RUN = 60.0


class SearchStopped(Exception):
    """The search has used up its time."""


class SearchBudget:
    """The time of one search. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float], seconds: float = SECONDS_PER_CAPTURE) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds

    def check(self) -> None:
        """Raises `SearchStopped` if no time remains."""
        if self._clock() >= self._ends_at:
            raise SearchStopped

"""Waits for conditions of other processes and threads, whose clock a test cannot pass in."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


def poll(condition: Callable[[], object], within_s: float = 30) -> object:
    """Polls a function until it returns a true value, and returns that value."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"it did not come true within {within_s} seconds"
        time.sleep(0.02)
    return value


@pytest.fixture
def eventually() -> Callable[..., object]:
    """Returns `poll`."""
    return poll

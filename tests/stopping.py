"""Stops the servers of a test while the next tests run.

A server takes 0.1 to 0.2 s to stop, most of which it waits for its clients. In two thousand tests
with two servers each, that would be minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Thread
from threading import enumerate as threads
from typing import TypeVar

import pytest

T = TypeVar("T")
_STOPPING = "stops a server"


@contextmanager
def stopped_later(server: AbstractContextManager[T]) -> Iterator[T]:
    """Runs a server for the block, and stops it in a thread, which the process waits for.

    An exception while it stops is an unhandled one of a thread, and fails the test that runs.
    """
    yielded = server.__enter__()
    try:
        yield yielded
    finally:
        Thread(target=server.__exit__, args=(None, None, None), name=_STOPPING).start()


@pytest.fixture
def all_stopped() -> None:
    """Waits for the servers of earlier tests, for a test that counts threads or open files."""
    for thread in threads():
        if thread.name == _STOPPING:
            thread.join()

"""Handles Ctrl-C and SIGTERM as requests to stop, for work that must end cleanly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Returns whether the user or CI asked to stop, by Ctrl-C or SIGTERM.

    The second signal raises `KeyboardInterrupt`.
    """
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Terminated(BaseException):
    """SIGTERM arrived. It is not an error: the process just ends."""


@contextmanager
def unwinding() -> Iterator[None]:
    """Converts SIGTERM to `Terminated`, so that the body of the `with` statement is cleaned up.

    The process still ends by the signal, so that its parent sees the signal as the reason.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except Terminated:
        signal.signal(signal.SIGTERM, before)
        signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGTERM, before)

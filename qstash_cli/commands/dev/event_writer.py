"""Writes the events and the warnings of the server from a thread of its own.

A terminal that is slow, stopped or closed must not slow or stop the server.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from qstash_cli.server.events import ServerEvent

_MAX_WAITING = 1000
_MAX_WARNINGS = 100
_STOP_WITHIN_S = 1.0


class EventWriter:
    """Writes each event as the text that `format_event` returns. It is an `EventSink`."""

    def __init__(self, out: TextIO, format_event: Callable[[ServerEvent], str]) -> None:
        self._out = out
        self._format_event = format_event
        self._waiting: queue.Queue[Sequence[ServerEvent] | str | None] = queue.Queue()
        self._events = self._warnings = 0
        self._lock = threading.Lock()
        # A write that blocks forever must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    @property
    def room(self) -> int:
        """How many events may be written now."""
        return max(0, _MAX_WAITING - self._events)

    def write(self, events: Sequence[ServerEvent]) -> None:
        """Takes events; their lines are written soon."""
        with self._lock:
            self._events += len(events)
        self._waiting.put(events)

    def log(self) -> TextIO:
        """Returns a stream for warnings, which are written between the events."""
        return _WarningStream(self._write_warning)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Writes within the block. At its end the rest is written, if that does not take long."""
        self._thread.start()
        try:
            yield
        finally:
            self._waiting.put(None)
            self._thread.join(_STOP_WITHIN_S)

    def _write_warning(self, text: str) -> None:
        with self._lock:
            if self._warnings == _MAX_WARNINGS:
                return
            self._warnings += 1
        self._waiting.put(text)

    def _run(self) -> None:
        write = _unlocked_write(self._out)
        while (item := self._waiting.get()) is not None:
            is_warning = isinstance(item, str)
            text = item if isinstance(item, str) else "".join(map(self._format_event, item))
            with contextlib.suppress(OSError, ValueError):
                write(text)
            with self._lock:
                self._warnings -= is_warning
                self._events -= 0 if isinstance(item, str) else len(item)


class _WarningStream(io.StringIO):
    """A text stream whose writes go to a function."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write

    def write(self, text: str) -> int:
        """Passes the text on."""
        self._write(text)
        return len(text)


def _unlocked_write(out: TextIO) -> Callable[[str], object]:
    """Returns a write that holds no lock of the stream: the interpreter flushes it at its end."""
    try:
        descriptor = out.fileno()
    except (OSError, ValueError):
        return out.write
    encoding = out.encoding or "utf-8"

    def write(text: str) -> None:
        rest = text.encode(encoding, errors="backslashreplace")
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    return write

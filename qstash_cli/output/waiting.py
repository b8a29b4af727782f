"""A spinner for a wait that takes longer than a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING, TextIO

from qstash_cli.output.safe import safe_text

if TYPE_CHECKING:
    from rich.status import Status

DISPLAYED_AFTER_S = 1.0


class LiveLine:
    """The last line of a terminal, which displays one thing at a time.

    Commands with progress of their own take it; a spinner is displayed only while it is free.
    """

    def __init__(self, displayed_after_s: float = DISPLAYED_AFTER_S) -> None:
        self._displayed_after_s = displayed_after_s
        self._is_taken = False

    @property
    def is_taken(self) -> bool:
        """Whether the line is kept free of spinners."""
        return self._is_taken

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Keeps the line free of spinners."""
        before, self._is_taken = self._is_taken, True
        try:
            yield
        finally:
            self._is_taken = before

    @contextmanager
    def waiting(self, text: str, err: TextIO, width: int) -> Iterator[None]:
        """Displays a text with a spinner if the block takes long, and removes it at the end.

        Rich is imported only if the spinner is displayed.
        """
        if self._is_taken:
            yield
            return
        with self.taken():
            spinner = _Spinner(text, err, width)
            timer = Timer(self._displayed_after_s, spinner.start)
            # An interrupted run does not wait for it.
            timer.daemon = True
            timer.start()
            try:
                yield
            finally:
                timer.cancel()
                spinner.stop()


class _Spinner:
    """A spinner that one thread starts and another one stops, in any order."""

    def __init__(self, text: str, err: TextIO, width: int) -> None:
        self._text, self._err, self._width = safe_text(text), err, width
        self._lock = Lock()
        self._is_over = False
        self._status: Status | None = None

    def start(self) -> None:
        """Displays the spinner, unless it has been stopped."""
        if self._is_over:
            return
        # The import takes a while, and must not delay the end of the wait.
        from rich.console import Console
        from rich.text import Text

        with self._lock:
            if self._is_over:
                return
            console = Console(
                file=self._err, width=self._width, force_terminal=True, legacy_windows=False
            )
            self._status = console.status(Text(self._text, no_wrap=True, overflow="ellipsis"))
            self._status.start()

    def stop(self) -> None:
        """Removes the spinner."""
        with self._lock:
            self._is_over = True
            if self._status is not None:
                self._status.stop()

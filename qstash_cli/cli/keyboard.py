"""Reads single keys from a terminal, without Enter and without echo."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

END_OF_INPUT = "\x04"
_WINDOWS_PAUSE_S = 0.05

# Waits up to some seconds for a key, and returns it, or an empty text without one.
KeyWithin = Callable[[float], str]

if sys.platform == "win32":

    @contextmanager
    def reading_keys(stdin: BinaryIO, sleep: Callable[[float], None]) -> Iterator[KeyWithin]:
        """Yields a function that waits for a key; `stdin` is a terminal."""
        import msvcrt

        del stdin

        def key_within(timeout_s: float) -> str:
            while not msvcrt.kbhit() and timeout_s > 0:
                sleep(_WINDOWS_PAUSE_S)
                timeout_s -= _WINDOWS_PAUSE_S
            return msvcrt.getwch() if msvcrt.kbhit() else ""

        yield key_within

else:

    @contextmanager
    def reading_keys(stdin: BinaryIO, sleep: Callable[[float], None]) -> Iterator[KeyWithin]:
        """Yields a function that waits for a key; `stdin` is a terminal.

        Ctrl-C still interrupts. Restores the terminal at the end.
        """
        import os
        import select
        import termios
        import tty

        del sleep
        terminal = stdin.fileno()

        def key_within(timeout_s: float) -> str:
            if not select.select([terminal], [], [], timeout_s)[0]:
                return ""
            try:
                key = os.read(terminal, 1)
            except OSError:
                # The terminal was closed.
                key = b""
            return key.decode("latin-1") or END_OF_INPUT

        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal)
            yield key_within
        finally:
            # Keys that nobody has read do not reach the shell.
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

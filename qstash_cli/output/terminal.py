"""Facts about the stream that is written to."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import tzinfo
from typing import NamedTuple, TextIO

# Wider than any line.
UNLIMITED = 1 << 20
_COLUMNS = 80
_MAX_DIGITS = 6


class TerminalInfo(NamedTuple):
    """A stream: `width` in columns, `now` returns unix seconds, no `time_zone` means the local."""

    is_terminal: bool
    width: int
    colour: bool
    now: Callable[[], float]
    time_zone: tzinfo | None

    def without_width(self) -> TerminalInfo:
        """The same stream, in which every line has room."""
        return self._replace(width=UNLIMITED)


def columns_of(given: str, stream: TextIO | None) -> int:
    """How wide the terminal is: what is `given`, or what it says, or 80 off a terminal.

    As `shutil` finds it, whose import takes longer than the rest of the start of a run.
    """
    if given.isdecimal() and len(given) <= _MAX_DIGITS and int(given):
        return int(given)
    try:
        return (stream and os.get_terminal_size(stream.fileno()).columns) or _COLUMNS
    except (ValueError, OSError):
        return _COLUMNS

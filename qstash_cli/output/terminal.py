"""The properties of an output stream."""

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
    """An output stream.

    `width` is in columns, `now` returns unix seconds, and no `time_zone` means the local one.
    """

    is_terminal: bool
    width: int
    colour: bool
    now: Callable[[], float]
    time_zone: tzinfo | None

    def without_width(self) -> TerminalInfo:
        """Returns the same stream with unlimited width."""
        return self._replace(width=UNLIMITED)


def columns_of(given: str, stream: TextIO | None) -> int:
    """Returns the terminal width: `given`, or the terminal's own, or 80 without a terminal.

    Works like `shutil.get_terminal_size`, whose import takes longer than all other steps of a
    start.
    """
    if given.isdecimal() and len(given) <= _MAX_DIGITS and int(given):
        return int(given)
    try:
        return (stream and os.get_terminal_size(stream.fileno()).columns) or _COLUMNS
    except (ValueError, OSError):
        return _COLUMNS

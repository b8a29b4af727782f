"""The properties of an output stream."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import NamedTuple, TextIO

# Wider than any line.
UNLIMITED = 1 << 20
_COLUMNS, _LINES = 80, 24
_MAX_DIGITS = 6


class TerminalInfo(NamedTuple):
    """An output stream.

    `width` is in columns, `now` returns unix seconds, and no `time_zone` means the local one.
    `has_blocks` means that the encoding has symbols and block characters.
    """

    is_terminal: bool
    width: int
    colour: bool
    now: Callable[[], float]
    time_zone: tzinfo | None
    has_blocks: bool = True

    @property
    def cut_mark(self) -> str:
        """The character in place of the part of a text that has no room."""
        return "…" if self.has_blocks else ">"

    def without_width(self) -> TerminalInfo:
        """Returns the same stream without a limit to the length of lines."""
        return self._replace(width=UNLIMITED)


def has_colour(env: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Returns whether to colour a stream.

    NO_COLOR and TERM=dumb disable colour. FORCE_COLOR and CLICOLOR_FORCE enable it in a pipe, and
    FORCE_COLOR=0 disables it on a terminal. Sources: no-color.org, force-color.org,
    bixense.com/clicolors.
    """
    if env.get("NO_COLOR") or env.get("TERM") == "dumb":
        return False
    forced = env.get("FORCE_COLOR", "")
    if forced:
        return forced != "0"
    return is_terminal or env.get("CLICOLOR_FORCE", "0") not in {"", "0"}


def can_encode_blocks(stream: TextIO) -> bool:
    """Returns whether the encoding of a stream has the characters of charts and states."""
    try:
        "█▁●✓…".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def columns_of(given: str, stream: TextIO | None) -> int:
    """Returns the width of the terminal: as `given`, or as it reports, or 80 off a terminal.

    This is how `shutil` finds it, but importing that takes longer than the rest of the start.
    """
    size = _size(stream)
    return _given(given) or (size and size.columns) or _COLUMNS


def lines_of(given: str, stream: TextIO | None) -> int:
    """Returns the height of the terminal: as `given`, or as it reports, or 24 off a terminal."""
    size = _size(stream)
    return _given(given) or (size and size.lines) or _LINES


def _given(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else 0


def _size(stream: TextIO | None) -> os.terminal_size | None:
    try:
        return os.get_terminal_size(stream.fileno()) if stream else None
    except (ValueError, OSError):
        return None

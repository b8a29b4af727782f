"""A line on standard error that tells how far something is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from qstash_cli.output.look import Look
from qstash_cli.output.safe import safe_text
from qstash_cli.output.widths import cells, resized


@dataclass
class Status:
    """One line that replaces itself; silent off a terminal."""

    look: Look
    err: TextIO
    _shown_cells: int = 0

    def update(self, text: str) -> None:
        """Shows this text in place of the last."""
        if not self.look.is_terminal:
            return
        # A line that fills the last column would wrap on some terminals.
        room = max(self.look.width - 1, 1)
        line = safe_text(text)
        if cells(line) > room:
            line = resized(line, room - 1) + "…"
        blanks = " " * max(0, self._shown_cells - cells(line))
        # Carriage returns work on every terminal, a dumb one included.
        self.err.write(f"\r{line}{blanks}")
        self.err.flush()
        self._shown_cells = cells(line)

    def clear(self) -> None:
        """Takes the line away."""
        if self._shown_cells:
            self.err.write(f"\r{' ' * self._shown_cells}\r")
            self.err.flush()
            self._shown_cells = 0


@contextmanager
def status(look: Look, err: TextIO) -> Iterator[Status]:
    """A status line that is gone at the end."""
    line = Status(look, err)
    try:
        yield line
    finally:
        line.clear()

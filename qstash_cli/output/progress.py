"""A line of progress on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from qstash_cli.output.safe import safe_text
from qstash_cli.output.terminal import TerminalInfo


class StatusLine(Protocol):
    """A line that replaces itself."""

    def update(self, text: str) -> None:
        """Displays this text in place of the previous one."""


class _Updated:
    def __init__(self, update: Callable[[str], None]) -> None:
        self._update = update

    def update(self, text: str) -> None:
        self._update(safe_text(text))


@contextmanager
def status(terminal: TerminalInfo, err: TextIO) -> Iterator[StatusLine]:
    """Displays a status line with a spinner, and removes it at the end.

    It moves the cursor, so it is not written without a terminal or where escape sequences are
    unwanted.
    """
    if not (terminal.is_terminal and terminal.colour):
        yield _Updated(lambda _text: None)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=err, width=terminal.width, force_terminal=True, legacy_windows=False)
    with console.status("") as line:
        yield _Updated(lambda text: line.update(Text(text, no_wrap=True, overflow="ellipsis")))

"""Displays a table that is longer than the terminal in the user's pager, as `gh` and `git` do."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import IO, TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from subprocess import Popen

# As in git: quits if the text fits on the screen, keeps colours, and leaves the text there.
_LESS = "FRX"
# The count below the table, and the prompt.
_LINES_BELOW = 2


def pager_command(env: Mapping[str, str]) -> str:
    """Returns the pager that the environment names, or an empty string."""
    command = env.get("QSTASH_PAGER", env.get("PAGER", "")).strip()
    return "" if command == "cat" else command


class Pager(NamedTuple):
    """A pager: its command line, its environment, and the lines of the terminal.

    `quiet` keeps progress off the terminal while the pager has it.
    """

    command: str
    env: Mapping[str, str]
    screen_lines: int
    quiet: Callable[[], AbstractContextManager[None]] = nullcontext


@contextmanager
def paged(out: TextIO, pager: Pager) -> Iterator[TextIO]:
    """Yields a stream that writes to the pager if its text exceeds the screen, else to `out`.

    Waits at the end until the user leaves the pager. Raises `BrokenPipeError` on a write after
    that. A pager that cannot be started is not used.
    """
    pages = _Pages(out, pager)
    try:
        yield pages
    finally:
        pages.finish()


class _Pages(io.StringIO):
    """Keeps the first lines until it is known whether the screen has room for all of them."""

    def __init__(self, out: TextIO, pager: Pager) -> None:
        super().__init__()
        self._out, self._pager = out, pager
        self._kept: list[str] | None = []
        self._lines = 0
        self._target: IO[str] = out
        self._process: Popen[str] | None = None
        self._quiet = ExitStack()

    def write(self, text: str, /) -> int:
        if self._kept is None:
            return self._target.write(text)
        self._kept.append(text)
        self._lines += text.count("\n")
        if self._lines > self._pager.screen_lines - _LINES_BELOW:
            self._start()
            self._write_kept()
        return len(text)

    def flush(self) -> None:
        if self._kept is None:
            self._target.flush()

    def finish(self) -> None:
        """Writes the kept text, and waits for the pager, which handles Ctrl-C itself."""
        process = self._process
        if process is None:
            self._write_kept()
            return
        # The user may have left the pager before the end.
        with suppress(BrokenPipeError):
            self._target.close()
        with self._quiet:
            while process.returncode is None:
                with suppress(KeyboardInterrupt):
                    process.wait()

    def _start(self) -> None:
        import shlex
        import subprocess

        env = {"LESS": _LESS, **self._pager.env}
        with suppress(OSError, ValueError):
            self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                shlex.split(self._pager.command),
                stdin=subprocess.PIPE,
                env=env,
                text=True,
                encoding=self._out.encoding or "utf-8",
                errors=self._out.errors or "strict",
            )
        if self._process is not None and self._process.stdin is not None:
            self._target = self._process.stdin
            self._quiet.enter_context(self._pager.quiet())

    def _write_kept(self) -> None:
        kept, self._kept = self._kept or [], None
        self._target.writelines(kept)
        self._target.flush()

"""Displays a table that is longer than the terminal in the user's pager, as `gh` and `git` do."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, TextIO

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


@contextmanager
def paged(out: TextIO, command: str, env: Mapping[str, str], screen_lines: int) -> Iterator[TextIO]:
    """Yields a stream that writes to the pager if its text exceeds the screen, else to `out`.

    Waits at the end until the user leaves the pager. Raises `BrokenPipeError` on a write after
    that. A pager that cannot be started is not used.
    """
    pages = _Pages(out, command, env, screen_lines - _LINES_BELOW)
    try:
        yield pages
    finally:
        pages.finish()


class _Pages(io.StringIO):
    """Keeps the first lines until it is known whether the screen has room for all of them."""

    def __init__(self, out: TextIO, command: str, env: Mapping[str, str], limit: int) -> None:
        super().__init__()
        self._out, self._command, self._env, self._limit = out, command, env, limit
        self._kept: list[str] | None = []
        self._lines = 0
        self._target: IO[str] = out
        self._process: Popen[str] | None = None

    def write(self, text: str, /) -> int:
        if self._kept is None:
            return self._target.write(text)
        self._kept.append(text)
        self._lines += text.count("\n")
        if self._lines > self._limit:
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
        while True:
            with suppress(KeyboardInterrupt):
                process.wait()
                return

    def _start(self) -> None:
        import shlex
        import subprocess

        env = {"LESS": _LESS, **self._env}
        with suppress(OSError, ValueError):
            self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                shlex.split(self._command),
                stdin=subprocess.PIPE,
                env=env,
                text=True,
                encoding=self._out.encoding or "utf-8",
                errors=self._out.errors or "strict",
            )
        if self._process is not None and self._process.stdin is not None:
            self._target = self._process.stdin

    def _write_kept(self) -> None:
        kept, self._kept = self._kept or [], None
        self._target.writelines(kept)
        self._target.flush()

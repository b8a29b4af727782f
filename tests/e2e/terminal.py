"""Commands on a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import plain_environment

_DEADLINE_S = 60
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What a process has written to its terminal so far."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._data = b""

    @property
    def raw(self) -> str:
        """Everything, with escape sequences."""
        return self._data.decode(errors="replace").replace("\r\n", "\n")

    @property
    def text(self) -> str:
        """Everything, without escape sequences."""
        return _ESCAPES.sub("", self.raw)

    def read_until(self, pattern: str) -> re.Match[str]:
        """Reads until the text matches. Fails after a minute or at the end of the process."""
        deadline = time.monotonic() + _DEADLINE_S
        while (found := re.search(pattern, self.text)) is None:
            assert self._read(deadline), f"no {pattern!r} in:\n{self.text}"
        return found

    def read_to_end(self) -> None:
        """Reads everything until the process ends."""
        deadline = time.monotonic() + _DEADLINE_S
        while self._read(deadline):
            pass

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], max(0, deadline - time.monotonic()))
        try:
            chunk = os.read(self._fd, 65_536) if ready else b""
        except OSError:
            # Linux reports the end of the last process on a terminal as an error.
            chunk = b""
        self._data += chunk
        return bool(chunk)


@contextmanager
def on_terminal(*argv: str, home: Path, columns: int) -> Iterator[Terminal]:
    """Runs `qstash` on a terminal with this width; the process is killed at the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = plain_environment(home) | {"TERM": "xterm"}
    env = {name: value for name, value in env.items() if name not in {"COLUMNS", "NO_COLOR"}}
    process = subprocess.Popen(  # noqa: S603 - a command of the test
        [sys.executable, "-m", "qstash_cli", *argv],
        env=env, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)

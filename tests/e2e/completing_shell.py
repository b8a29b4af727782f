"""Shells on a terminal, which complete as users see it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pexpect

# The first TAB may insert the common prefix, or beep.
LISTING = {"bash": "\t\t", "zsh": "\t\t", "fish": "\t"}
NEW_LINE = "\x15"
_ESCAPES = re.compile(
    r"\x1b(\[[0-9;?>=]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>78])|[\x0e\x0f\x07]"
)


class Terminal:
    """A shell on a terminal. Its home is `directory`, and its first command is `first`."""

    def __init__(
        self, argv: Sequence[str], directory: Path, env: Mapping[str, str], first: str = "true"
    ) -> None:
        env = dict(env) | {
            "HOME": str(directory), "TERM": "xterm", "LC_ALL": "C.UTF-8", "PS1": "$ ",
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        }  # fmt: skip
        self.child: pexpect.spawn = pexpect.spawn(
            argv[0], list(argv[1:]), env=env, cwd=str(directory), dimensions=(40, 160),
            encoding="utf-8", timeout=60,
        )  # fmt: skip
        self.child.delaybeforesend = None
        self.child.delayafterclose = 0
        self.child.ptyproc.delayafterclose = 0
        self.seen = ""
        # The expected text is not in the typed line, whose echo would match immediately.
        self.child.send(f"{first}; echo rea''dy\r")
        assert "ready" in self.wait_for("ready")

    def wait_for(self, *texts: str) -> str:
        """Returns the new terminal output once it contains all texts, or is idle for a minute."""
        self.seen = ""
        while not all(text in self.seen for text in texts):
            try:
                new = self.child.read_nonblocking(4096, timeout=60)
                self.seen = _ESCAPES.sub("", self.seen + new)
            except (pexpect.TIMEOUT, pexpect.EOF):
                break
        return self.seen

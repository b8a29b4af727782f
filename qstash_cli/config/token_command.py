"""The programs that profiles name to print their tokens."""

from __future__ import annotations

from collections.abc import Sequence


def printed(command: Sequence[str]) -> str:
    """What a program prints; it may ask its user something on the terminal.

    Raises `OSError` if it cannot be run, `CalledProcessError` if it fails.
    """
    import subprocess

    return subprocess.run(  # noqa: S603 - the user's own configuration names it
        command, check=True, stdout=subprocess.PIPE, text=True, errors="replace"
    ).stdout

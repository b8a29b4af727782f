"""Runs the token command of a profile."""

from __future__ import annotations

from collections.abc import Sequence


def printed(command: Sequence[str]) -> str:
    """Returns the output of a command, which may prompt on the terminal.

    Raises `OSError` if it cannot be run, and `CalledProcessError` if it fails.
    """
    import subprocess

    return subprocess.run(  # noqa: S603 - the command is from the user's own configuration
        command, check=True, stdout=subprocess.PIPE, text=True, errors="replace"
    ).stdout

"""Asks zsh where it searches for completion scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qstash_cli.completion.locations import ZshSetup

_TIMEOUT_S = 5.0
# Start-up files may print something themselves.
_DIRECTORY, _COMPINIT = "qstash-fpath:", "qstash-compinit:"
_QUESTION = f"print -rl -- {_COMPINIT}$+functions[compdef] {_DIRECTORY}$^fpath"


def zsh_setup(env: Mapping[str, str]) -> ZshSetup:
    """Returns the settings of an interactive zsh, which runs the user's start-up files.

    Returns empty settings if there is no zsh, or if it takes longer than 5 seconds.
    """
    import subprocess
    import tempfile

    # A file, since a program that the start-up files leave in the background keeps a pipe open.
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(  # noqa: S603 - the user's own shell
                ["zsh", "-i", "-c", _QUESTION],  # noqa: S607 - the one that the user starts
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                env=dict(env),
                # An interactive shell would take this program's terminal.
                start_new_session=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ZshSetup()
        output.seek(0)
        lines = output.read().decode(errors="surrogateescape").splitlines()
    return ZshSetup(
        fpath=tuple(
            Path(line.removeprefix(_DIRECTORY)) for line in lines if line.startswith(_DIRECTORY)
        ),
        has_compinit=f"{_COMPINIT}1" in lines,
    )

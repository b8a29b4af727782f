"""Where each shell loads completion scripts from, and what its start-up file may need.

Sources: the README of bash-completion, "FAQ"; the zsh manual, "Completion System"; the fish manual,
"Where to put completions"; about_Profiles of PowerShell.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

_BASH_COMPLETION = (
    "/usr/share/bash-completion/bash_completion",
    "/usr/local/share/bash-completion/bash_completion",
    "/opt/homebrew/share/bash-completion/bash_completion",
    "/opt/local/share/bash-completion/bash_completion",
)
# Names of directories that people create for completion scripts. Other directories in `fpath` may
# be those of a plug-in, whose manager removes files that it does not know.
_ZSH_DIRECTORIES = frozenset({"site-functions", "completions", ".zfunc", ".zfunctions"})
_AUTOLOAD = "autoload -Uz compinit && compinit"


class Location(NamedTuple):
    """The path of a shell's script.

    If the shell does not load that path by itself, `line` is the line to add to `start_up_file`,
    and `where` says where in it.
    """

    path: Path
    start_up_file: str = ""
    line: str = ""
    where: str = ""


class ZshSetup(NamedTuple):
    """What an interactive zsh searches, and whether it has called `compinit`."""

    fpath: tuple[Path, ...] = ()
    has_compinit: bool = False


class Places(NamedTuple):
    """The environment and home directory of the user, and the directory of our configuration."""

    env: Mapping[str, str]
    home: Path
    config: Path

    def directory(self, variable: str, default: str) -> Path:
        """Returns the directory in a variable, if that is an absolute path, or the default.

        Of several directories, separated by colons, it is the first.
        """
        path = Path(self.env.get(variable, "").split(":")[0])
        return path if path.is_absolute() else self.home / default

    def displayed(self, path: Path) -> str:
        """Returns the path as a shell reads it, with `~` for the home directory."""
        if not path.is_relative_to(self.home):
            return shlex.quote(str(path))
        below = path.relative_to(self.home).as_posix()
        # A shell expands no tilde in quotes.
        return f"~/{below}" if shlex.quote(below) == below else shlex.quote(str(path))


def bash(places: Places, bashrc: str, exists: Callable[[str], bool]) -> Location:
    """Returns the path that the package bash-completion loads on the first TAB.

    Without that package, ~/.bashrc has to load the script; `bashrc` is the content of that file.
    """
    data = places.directory("XDG_DATA_HOME", ".local/share") / "bash-completion"
    path = places.directory("BASH_COMPLETION_USER_DIR", str(data)) / "completions" / "qstash"
    line = f"source {places.displayed(path)}"
    if line in bashrc.splitlines() or any(exists(file) for file in _BASH_COMPLETION):
        return Location(path)
    return Location(path, "~/.bashrc", line)


def zsh(places: Places, setup: ZshSetup) -> Location:
    """Returns a path in `fpath` below the home directory, or in a directory to add to it."""
    ours = places.directory("XDG_DATA_HOME", ".local/share") / "zsh" / "site-functions"
    known = [one for one in setup.fpath if _is_for_completions(one, places.home)]
    directory = ours if ours in setup.fpath or not known else known[0]
    start_up_file = places.displayed(places.directory("ZDOTDIR", "") / ".zshrc")
    path, added = directory / "_qstash", f"fpath=({places.displayed(directory)} $fpath)"
    if directory not in setup.fpath and setup.has_compinit:
        return Location(path, start_up_file, added, "above the line that calls compinit")
    if directory not in setup.fpath:
        return Location(path, start_up_file, f"{added}; {_AUTOLOAD}")
    return Location(path) if setup.has_compinit else Location(path, start_up_file, _AUTOLOAD)


def fish(places: Places) -> Location:
    """Returns the path from which fish loads the script on the first TAB."""
    config = places.directory("XDG_CONFIG_HOME", ".config")
    return Location(config / "fish" / "completions" / "qstash.fish")


def powershell(places: Places) -> Location:
    """Returns a path in our configuration, since PowerShell loads only what a profile names."""
    path = places.config / "completion.ps1"
    quoted = str(path).replace("'", "''")
    return Location(path, "$PROFILE", f". '{quoted}'")


def _is_for_completions(directory: Path, home: Path) -> bool:
    return (
        directory.name in _ZSH_DIRECTORIES and directory.is_relative_to(home) and directory.is_dir()
    )

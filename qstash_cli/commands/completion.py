"""`qstash completion`: print the completion script of a shell, or install it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.views import RAW
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Column, Result, View

if TYPE_CHECKING:
    from qstash_cli.completion.locations import Location, Places

app = group()

SHELLS = ("bash", "zsh", "fish", "powershell")
_PROGRAMS = {"bash": "bash", "zsh": "zsh", "fish": "fish", "pwsh": "powershell"}
# Every script of ours contains this variable.
_MARK = b"_QSTASH_COMPLETE"
_NAMES = ("shell", "path", "status", "startUpFile", "line")
_VIEW = View(columns=tuple(Column(name=name, of=name) for name in _NAMES), id="path")
_SENTENCES = {
    "installed": "Installed the completion script of {name} in {path}",
    "updated": "Updated the completion script of {name} in {path}",
    "current": "The completion script of {name} in {path} is up to date",
}


@command(app, connects=False)
def bash(ctx: Context) -> Result:  # noqa: ARG001 - every command has it
    """Print the completion script of bash.

    \b
    source <(qstash completion bash)
    qstash completion install bash
    """
    return _printed("bash")


@command(app, connects=False)
def zsh(ctx: Context) -> Result:  # noqa: ARG001 - every command has it
    """Print the completion script of zsh.

    \b
    qstash completion zsh > _qstash
    qstash completion install zsh
    """
    return _printed("zsh")


@command(app, connects=False)
def fish(ctx: Context) -> Result:  # noqa: ARG001 - every command has it
    """Print the completion script of fish.

    \b
    qstash completion fish > ~/.config/fish/completions/qstash.fish
    qstash completion install fish
    """
    return _printed("fish")


@command(app, connects=False)
def powershell(ctx: Context) -> Result:  # noqa: ARG001 - every command has it
    """Print the completion script of PowerShell.

    \b
    qstash completion powershell > qstash.ps1
    qstash completion install powershell
    """
    return _printed("powershell")


@dataclass(frozen=True, kw_only=True)
class InstallOptions:
    """Whether to write the script."""

    print_only: bool = flag("Print the script and write no file", "--print")


@command(app, connects=False, view=_VIEW)
def install(
    ctx: Context,
    shell: Annotated[
        str | None,
        Argument("bash, zsh, fish or powershell; without it, this shell", "SHELL",
                 complete="shell"),
    ] = None,
    *,
    options: InstallOptions,
) -> Result:  # fmt: skip
    """Install the completion script where new shells load it.

    Changes no start-up file: if the shell needs another line in one, prints that line.

    \b
    qstash completion install
    qstash completion install zsh
    qstash completion install fish --print
    """
    name = _validated(shell) if shell is not None else _detected(ctx)
    if options.print_only:
        return _printed(name)
    from qstash_cli.completion.locations import Places

    places = Places(ctx.system.env, ctx.system.home, ctx.config.file.parent)
    location = _location(name, places)
    status = _write(location.path, _script(name))
    record = {
        "shell": name,
        "path": str(location.path),
        "status": status,
        "startUpFile": location.start_up_file or None,
        "line": location.line or None,
    }
    text = _SENTENCES[status].format(name=name, path=places.displayed(location.path))
    return Result(data=record, view=_VIEW, text=f"{text}\n{_next_step(location)}")


def _printed(shell: str) -> Result:
    return Result(data=[], view=RAW, text=_script(shell))


def _script(shell: str) -> str:
    from qstash_cli.completion.scripts import SCRIPTS

    return SCRIPTS[shell]


def _validated(shell: str) -> str:
    if shell not in SHELLS:
        raise BadInput(f"not a shell: {shell!r}", hint=f"one of {', '.join(SHELLS)}")
    return shell


def _detected(ctx: Context) -> str:
    """Returns the shell that started this process, or else the user's login shell."""
    for program in (ctx.system.parent_name(), ctx.system.env.get("SHELL", "")):
        if shell := _PROGRAMS.get(PurePath(program).stem):
            return shell
    if os.name == "nt":
        return "powershell"
    raise BadInput(
        "cannot tell which shell this is", hint="name it: `qstash completion install bash`"
    )


def _location(shell: str, places: Places) -> Location:
    from qstash_cli.completion import locations

    if shell == "bash":
        return locations.bash(places, _text_of(places.home / ".bashrc"), os.path.exists)
    if shell == "zsh":
        from qstash_cli.completion.zsh_setup import zsh_setup

        return locations.zsh(places, zsh_setup(places.env))
    return locations.fish(places) if shell == "fish" else locations.powershell(places)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _write(path: Path, script: str) -> str:
    """Writes the script and returns what that changed. Raises `BadInput` naming the file."""
    from qstash_cli.files import reason_of, write_atomically

    data = script.encode()
    try:
        present = path.read_bytes() if path.exists() else None
        if present == data:
            return "current"
        if present is not None and _MARK not in present:
            raise BadInput(f"the file is not a completion script of qstash: {path}",
                           hint="move it away, or add --print; nothing was changed")  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        # The file may be a link into a repository of settings, which stays a link.
        write_atomically(path.resolve(), data)
    except OSError as fault:
        raise BadInput(f"cannot write the completion script: {path}",
                       hint=f"{reason_of(fault)}; --print prints the script") from None  # fmt: skip
    return "installed" if present is None else "updated"


def _next_step(location: Location) -> str:
    if not location.line:
        return "New shells complete qstash.\n"
    where = f", {location.where}" if location.where else ""
    return (
        f"To load it, add this line to {location.start_up_file}{where}:\n\n"
        f"    {location.line}\n\nThen new shells complete qstash.\n"
    )

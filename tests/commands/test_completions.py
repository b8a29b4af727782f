from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from qstash_cli.cli.index import INDEX
from qstash_cli.cli.typer_app import build
from qstash_cli.commands.completion import SHELLS
from tests.in_process import Qstash

HELP = {"-h", "--help"}
COMMANDS = dict(INDEX.all_commands())
COMPLETIONS = Path(__file__).parents[2] / "completions"
FILES = {
    "bash": "qstash.bash", "zsh": "_qstash", "fish": "qstash.fish", "powershell": "qstash.ps1"
}  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_the_stored_script_is_the_output_of_the_command(qstash: Qstash, shell: str) -> None:
    assert (COMPLETIONS / FILES[shell]).read_text() == qstash("completion", shell).out


@pytest.mark.parametrize("name", [name for name, _ in INDEX.all_commands()])
def test_the_shell_is_offered_the_same_options_as_in_typer(qstash: Qstash, name: str) -> None:
    offered = qstash(_QSTASH_COMPLETE="zsh", _QSTASH_LINE=f"qstash {name} -").out.splitlines()[1:]
    former = {old for option in COMMANDS[name].options for old in option.flag.old_names}

    in_typer = _options_in_typer(name) - HELP - former
    assert {line.partition("\t")[0] for line in offered} - HELP == in_typer


@cache
def _typer_command(name: str) -> Any:
    group, *rest = name.split()
    return get_command(build(INDEX, {group}, rest))


def _options_in_typer(name: str) -> set[str]:
    command = _typer_command(name)
    for word in name.split():
        command = command.commands[word]
    context = command.make_context(name, [], resilient_parsing=True)
    return {option for parameter in command.get_params(context) for option in parameter.opts
            if option.startswith("-")}  # fmt: skip


@pytest.mark.parametrize("argv", [("csh",), ("install", "csh")])
def test_an_unknown_shell_is_refused(qstash: Qstash, argv: tuple[str, ...]) -> None:
    run = qstash("completion", *argv)

    assert (run.code, "csh" in run.err) == (2, True), run


def test_the_refusal_of_a_shell_lists_the_shells(qstash: Qstash) -> None:
    assert "hint: one of bash, zsh, fish, powershell" in qstash("completion", "install", "x").err

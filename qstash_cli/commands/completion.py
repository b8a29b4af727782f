"""`qstash completion`: print the completion script of a shell."""

from __future__ import annotations

from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.views import RAW
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Result

app = group()

SHELLS = ("bash", "zsh", "fish", "powershell")


@command(app, connects=False)
def completion(
    ctx: Context,  # noqa: ARG001 - every command has it
    shell: Annotated[
        str,
        Argument("bash, zsh, fish or powershell", "SHELL", complete="shell"),
    ],
) -> Result:
    """Print the completion script of a shell.

    \b
    source <(qstash completion bash)
    qstash completion fish > ~/.config/fish/completions/qstash.fish
    """
    return Result(data=[], view=RAW, text=script(shell))


def script(shell: str) -> str:
    """Returns the completion script of a shell. Raises `BadInput` listing the shells."""
    if shell not in SHELLS:
        raise BadInput(f"not a shell: {shell!r}", hint=f"one of {', '.join(SHELLS)}")
    from qstash_cli.completion.scripts import SCRIPTS

    return SCRIPTS[shell]

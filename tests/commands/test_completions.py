from __future__ import annotations

from pathlib import Path

import pytest

from qstash_cli.commands.completion import SHELLS
from tests.conftest import Qstash

COMPLETIONS = Path(__file__).parents[2] / "completions"
FILES = {
    "bash": "qstash.bash", "zsh": "_qstash", "fish": "qstash.fish", "powershell": "qstash.ps1"
}  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_the_stored_script_is_what_the_command_prints(qstash: Qstash, shell: str) -> None:
    assert (COMPLETIONS / FILES[shell]).read_text() == qstash("completion", shell).out


def test_an_unknown_shell_is_refused(qstash: Qstash) -> None:
    run = qstash("completion", "csh")

    assert run.code == 2
    assert "hint: one of bash, zsh, fish, powershell" in run.err

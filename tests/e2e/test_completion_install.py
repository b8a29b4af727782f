"""`qstash completion install`, and the shells that are started after it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qstash_cli.completion import zsh_setup
from tests.e2e.completing_shell import LISTING, Terminal
from tests.e2e.conftest import QSTASH, plain_environment, run
from tests.in_process import Qstash, Run

START_UP_FILES = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
PRESENT = [shell for shell in START_UP_FILES if shutil.which(shell)]
# How long zsh may take, where a person waits 5 s.
ZSH_S = 60
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")


@pytest.fixture
def installed(qstash: Qstash, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Installs a shell's script for a user with this home directory."""
    monkeypatch.setattr(zsh_setup, "_TIMEOUT_S", ZSH_S)

    def install(home: Path, *argv: str) -> Run:
        qstash.home = home
        return qstash("completion", "install", *argv, HOME=str(home), PATH="/usr/bin:/bin")

    return install


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[[str], Terminal]]:
    """Starts an interactive shell, which reads its start-up files."""
    started: list[Terminal] = []

    def start(shell: str) -> Terminal:
        started.append(Terminal([shell, "-i"], tmp_path, {}))
        return started[-1]

    yield start
    for terminal in started:
        terminal.child.close(force=True)


def added_line(done: Run) -> str:
    return next((line.strip() for line in done.out.splitlines() if line.startswith("    ")), "")


@pytest.mark.parametrize("shell", PRESENT)
def test_a_new_shell_completes_after_installing_and_adding_the_printed_line(
    shell: str,
    installed: Callable[..., Run],
    fresh: Callable[[str], Terminal],
    tmp_path: Path,
) -> None:
    start_up = tmp_path / START_UP_FILES[shell]
    start_up.parent.mkdir(parents=True, exist_ok=True)
    start_up.write_text("# my settings\n")

    done = installed(tmp_path, shell)
    assert (done.code, start_up.read_text()) == (0, "# my settings\n"), done
    line = added_line(done)
    if shell == "bash" and BASH_COMPLETION.exists():
        line = f"source {BASH_COMPLETION}"
    start_up.write_text(f"{start_up.read_text()}{line}\n")
    terminal = fresh(shell)
    terminal.child.send(f"qstash queue {LISTING[shell]}")

    seen = terminal.wait_for("pause", "resume")
    assert "pause" in seen, (done.out, seen)
    assert "resume" in seen


@pytest.mark.parametrize("shell", PRESENT)
def test_installing_twice_changes_nothing_and_needs_no_further_line(
    shell: str, installed: Callable[..., Run], tmp_path: Path
) -> None:
    first = installed(tmp_path, shell)
    start_up = tmp_path / START_UP_FILES[shell]
    start_up.parent.mkdir(parents=True, exist_ok=True)
    start_up.write_text(f"{added_line(first)}\n")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*qstash*")}

    again = installed(tmp_path, shell)

    assert "is up to date" in again.out, again
    assert added_line(again) == ""
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*qstash*")}


def test_an_outdated_script_is_replaced_through_a_link(
    installed: Callable[..., Run], tmp_path: Path
) -> None:
    kept = tmp_path / "dotfiles.fish"
    kept.write_text("# an older one\nset -x _QSTASH_COMPLETE fish\n")
    link = tmp_path / ".config/fish/completions/qstash.fish"
    link.parent.mkdir(parents=True)
    link.symlink_to(kept)

    done = installed(tmp_path, "fish", "-o", "json")

    assert done.json["status"] == "updated"
    assert link.is_symlink()
    assert "complete --command qstash" in kept.read_text()


def test_the_file_of_another_program_is_not_replaced(
    installed: Callable[..., Run], tmp_path: Path
) -> None:
    theirs = tmp_path / ".config/fish/completions/qstash.fish"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("# another program of this name\n")

    done = installed(tmp_path, "fish")

    assert (done.code, theirs.read_text()) == (2, "# another program of this name\n"), done
    assert f"not a completion script of qstash: {theirs}" in done.err


def test_a_directory_that_cannot_be_written_is_named(
    installed: Callable[..., Run], tmp_path: Path
) -> None:
    (tmp_path / ".config").write_text("a file where a directory should be")

    done = installed(tmp_path, "fish")

    assert done.code == 2, done
    assert "cannot write the completion script" in done.err
    assert "--print prints the script" in done.err


def test_print_writes_the_script_to_standard_output_only(
    installed: Callable[..., Run], qstash: Qstash, tmp_path: Path
) -> None:
    done = installed(tmp_path, "zsh", "--print")

    assert done.out == qstash("completion", "zsh").out
    assert not list(tmp_path.rglob("_qstash"))


@pytest.mark.skipif("zsh" not in PRESENT, reason="zsh is not installed")
def test_zsh_loads_the_script_from_a_directory_that_it_already_searches(
    installed: Callable[..., Run], tmp_path: Path
) -> None:
    (tmp_path / ".zfunc").mkdir()
    (tmp_path / ".zshrc").write_text(
        "echo welcome; fpath=(~/.zfunc $fpath)\nautoload -Uz compinit && compinit\n"
        f"sleep {2 * ZSH_S} &\necho $! > ~/background\n"
    )

    done = installed(tmp_path, "zsh")
    os.kill(int((tmp_path / "background").read_text()), signal.SIGKILL)

    assert "in ~/.zfunc/_qstash\nNew shells complete" in done.out, done
    assert stat.S_IMODE((tmp_path / ".zfunc/_qstash").stat().st_mode) == 0o600


@pytest.mark.skipif("zsh" not in PRESENT, reason="zsh is not installed")
def test_zsh_needs_its_directory_above_a_line_that_calls_compinit(
    installed: Callable[..., Run], tmp_path: Path
) -> None:
    (tmp_path / ".zshrc").write_text("autoload -Uz compinit && compinit\n")

    done = installed(tmp_path, "zsh")

    assert "~/.zshrc, above the line that calls compinit" in done.out, done
    assert added_line(done) == "fpath=(~/.local/share/zsh/site-functions $fpath)"


def test_the_shell_that_started_it_is_the_default(tmp_path: Path) -> None:
    env = plain_environment(tmp_path) | {"SHELL": "/usr/bin/fish", "HOME": str(tmp_path)}
    command = " ".join(QSTASH)

    by_parent = run(["bash", "-c", f"{command} completion install; true"], env)

    assert "completion script of bash" in by_parent.stdout


@pytest.mark.parametrize(
    ("login_shell", "words", "code"),
    [
        ("/usr/bin/fish", "completion script of fish", 0),
        ("/bin/tcsh", "name it: `qstash completion install bash`", 2),
    ],
)
def test_the_login_shell_is_the_default_of_other_programs(
    qstash: Qstash, login_shell: str, words: str, code: int
) -> None:
    done = qstash("completion", "install", SHELL=login_shell)

    assert (done.code, words in done.out + done.err) == (code, True), done


def test_the_line_for_powershell_quotes_the_path(qstash: Qstash, tmp_path: Path) -> None:
    directory = tmp_path / "Ada's files"

    done = qstash("completion", "install", "powershell", QSTASH_CONFIG_DIR=str(directory))

    assert added_line(done) == f". '{tmp_path}/Ada''s files/completion.ps1'"
    assert "Register-ArgumentCompleter" in (directory / "completion.ps1").read_text()

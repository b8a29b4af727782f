"""For CI and agents, a terminal is like a pipe: no colours, questions, spinners or pages."""

from __future__ import annotations

from pathlib import Path

import pexpect
import pytest

from qstash_cli.config.unattended import NAMES, is_attended
from tests.e2e.conftest import QSTASH, plain_environment
from tests.in_process import Qstash


def on_terminal(env: dict[str, str], *argv: str) -> tuple[str, int | None]:
    """Returns what `qstash` writes to its terminal, and its exit code."""
    child = pexpect.spawn(
        QSTASH[0], [*QSTASH[1:], *argv], env=env, encoding="utf-8", timeout=60, dimensions=(24, 80)
    )
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before), child.exitstatus


@pytest.mark.parametrize("name", NAMES)
def test_the_variable_says_that_nobody_attends(name: str) -> None:
    assert not is_attended({name: "1"})
    assert not is_attended({name: "an-agent"})
    assert is_attended({name: "false"})
    assert is_attended({name: ""})


def test_an_agent_on_a_terminal_gets_no_colour_and_no_question(
    local: Qstash, tmp_path: Path
) -> None:
    env = plain_environment(tmp_path) | local.env | {"TERM": "xterm", "CLAUDECODE": "1"}
    local("queue", "set", "orders")
    local("publish", "https://example.com/", "--delay", "1d", "--label", "nightly")

    listed, code = on_terminal(env, "queue", "list")
    assert (listed.split(), code) == (local("queue", "list").out.split(), 0)

    refused, code = on_terminal(env, "message", "cancel", "--label", "nightly")
    assert code == 2
    assert "not confirmed" in refused
    assert "add --yes" in refused

    for written in (listed, refused, on_terminal(env, "dlq", "--help")[0]):
        assert "\x1b" not in written


def test_a_person_on_a_terminal_gets_colours(tmp_path: Path) -> None:
    env = plain_environment(tmp_path) | {"TERM": "xterm"}
    env = {name: value for name, value in env.items() if name != "NO_COLOR"}

    assert "\x1b[" in on_terminal(env, "publish", "example.com/a")[0]


def test_colours_can_still_be_forced(tmp_path: Path) -> None:
    env = plain_environment(tmp_path) | {"TERM": "xterm", "CI": "true", "FORCE_COLOR": "1"}
    env = {name: value for name, value in env.items() if name != "NO_COLOR"}

    assert "\x1b[" in on_terminal(env, "publish", "example.com/a")[0]

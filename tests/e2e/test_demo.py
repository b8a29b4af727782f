"""`demo` runs its four steps, and ends with commands to paste."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import QSTASH, Dev, Listen, plain_environment, run
from tests.e2e.terminal import on_terminal


def test_the_demo_runs_all_steps_and_is_plain_in_a_pipe(tmp_path: Path) -> None:
    done = run([*QSTASH, "demo"], plain_environment(tmp_path))

    assert done.returncode == 0, done.stderr
    for word in ("publish", "logs", "verify", "dlq list", "dlq retry"):
        assert f"$ qstash {word}" in done.stdout
    assert "body\tfail" in done.stdout
    assert "out of paper" in done.stdout
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("columns", [40, pytest.param(80, marks=pytest.mark.soak)])
def test_on_a_terminal_the_demo_is_in_colour_and_no_line_is_too_long(
    tmp_path: Path, columns: int
) -> None:
    with on_terminal("demo", home=tmp_path, columns=columns) as terminal:
        terminal.read_to_end()

    text = terminal.text
    for step in ("1. Publish a message", "2. Verify its signature", "3. An endpoint that fails",
                 "4. Retry from the DLQ", "Next"):  # fmt: skip
        assert re.search(rf"^{step} ─+$", text, re.MULTILINE), step
    assert "\x1b[1;32m✓ VALID" in terminal.raw
    assert "\x1b[1;31m✗ INVALID" in terminal.raw
    assert re.search(r"cause: body: the JSON was\s+re-serialized", text)
    assert text.index("✓ VALID") < text.index("✗ INVALID") < text.index("4. Retry")
    messages = ("error: ", "hint: ", "qstash ", "  message ", "msg_")
    lines = [line for line in text.splitlines() if not line.startswith(messages)]
    assert [line for line in lines if len(line) > columns] == []


def test_the_commands_at_the_end_of_the_demo_work(
    start_dev: Callable[..., Dev], listen: Listen, tmp_path: Path
) -> None:
    printed = run([*QSTASH, "demo"], plain_environment(tmp_path)).stdout
    pasted = re.findall(r"^  \w+ +(qstash .*)$", printed.partition("\nNext\n")[2], re.MULTILINE)
    server, endpoint, message = (shlex.split(line)[1:] for line in pasted)
    assert server == ["dev"]
    assert endpoint == ["listen", "--dev", "--port", "3000"]

    # The same commands at free ports.
    dev = start_dev("--port", "0")
    listener = listen("--dev")
    argv = [one.replace("http://127.0.0.1:3000", listener.url) for one in message]
    done = run(
        [*QSTASH, *argv],
        plain_environment(tmp_path) | {"QSTASH_DEV_PORT": dev.url.rpartition(":")[2]},
    )

    assert done.returncode == 0, done.stderr
    assert listener.record()["signature"] == "valid"

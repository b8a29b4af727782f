"""A terminal whose encoding has only ASCII gets charts and states of ASCII characters."""

from __future__ import annotations

from pathlib import Path

import pexpect
import pytest

from tests.e2e.conftest import QSTASH, plain_environment


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (("retries", "--recovery", "30s"), "x--"),
        (("schedule", "next", "0 3 * * *"), "Mo Tu We Th Fr Sa Su"),
        (("config", "list"), "no profiles"),
    ],
)
def test_an_ascii_terminal_can_display_every_character(
    tmp_path: Path, argv: tuple[str, ...], part: str
) -> None:
    env = plain_environment(tmp_path) | {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    child = pexpect.spawn(QSTASH[0], [*QSTASH[1:], *argv], env=env, timeout=60)
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0, child.before
    assert child.before.isascii()
    assert part.encode() in child.before

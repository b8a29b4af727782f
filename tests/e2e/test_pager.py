"""Long tables on a terminal go through the user's pager."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from qstash_cli.cli.pager import Pager, paged
from qstash_cli.output.formats import render
from qstash_cli.output.result import Column, Result, View
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.waiting import LiveLine
from tests.e2e.conftest import QSTASH, plain_environment
from tests.polling import poll

TERMINAL = TerminalInfo(is_terminal=True, width=80, colour=False, now=time.time, time_zone=None)
LONG, SHORT = ("retries", "--retries", "200"), ("retries", "--retries", "3")
Script = Callable[[str, str], str]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Returns a function that writes a pager as a shell script, and returns its path."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return write


def spawn(tmp_path: Path, *argv: str, lines: int = 24, **env: str) -> pexpect.spawn[str]:
    kept = {
        name: value
        for name, value in plain_environment(tmp_path).items()
        if name not in {"PAGER", "LESS", "LINES", "COLUMNS"}
    }
    return pexpect.spawn(
        QSTASH[0], [*QSTASH[1:], *argv], env=kept | {"TERM": "xterm"} | env,
        encoding="utf-8", timeout=60, dimensions=(lines, 80),
    )  # fmt: skip


def displayed(tmp_path: Path, *argv: str, lines: int = 24, **env: str) -> str:
    """Returns what the terminal displays until `qstash` exits, which must succeed."""
    child = spawn(tmp_path, *argv, lines=lines, **env)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    return str(child.before)


@pytest.fixture
def counting(script: Script) -> str:
    """A pager that prints the number of lines that it gets, and its LESS."""
    return script("counting", 'echo "[$(wc -l) $LESS]"')


def test_only_a_table_that_is_longer_than_the_screen_is_paged(
    tmp_path: Path, counting: str
) -> None:
    assert displayed(tmp_path, *LONG, PAGER=counting) == "[205 FRX]\r\n"
    assert "ATTEMPT" in displayed(tmp_path, *SHORT, PAGER=counting)
    assert displayed(tmp_path, *SHORT, lines=5, PAGER=counting) == "[8 FRX]\r\n"
    assert "attempt" in displayed(tmp_path, *LONG, "-o", "json", PAGER=counting)


def test_the_environment_chooses_the_pager(tmp_path: Path, counting: str, script: Script) -> None:
    other = script("other", "cat > /dev/null; echo the other")

    for env in ({}, {"PAGER": ""}, {"PAGER": "cat"}, {"PAGER": counting, "QSTASH_PAGER": ""}):
        assert displayed(tmp_path, *LONG, lines=24, **env).count("\n") == 205
    assert displayed(tmp_path, *LONG, PAGER=other, QSTASH_PAGER=f"{counting} x") == "[205 FRX]\r\n"
    assert displayed(tmp_path, *LONG, PAGER=counting, LESS="R") == "[205 R]\r\n"
    assert displayed(tmp_path, *LONG, "--no-pager", PAGER=counting).count("\n") == 205


def test_a_pipe_is_not_paged(tmp_path: Path, counting: str) -> None:
    done = subprocess.run(  # noqa: S603 - a command of the test
        [*QSTASH, *LONG, "-o", "table"], env=plain_environment(tmp_path) | {"PAGER": counting},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.count("\n") == 202


@pytest.mark.parametrize("pager", ["/no/such/pager", "'unbalanced", "/"])
def test_a_pager_that_cannot_be_started_is_not_used(tmp_path: Path, pager: str) -> None:
    assert displayed(tmp_path, *LONG, PAGER=pager).count("\n") == 205


def test_leaving_the_pager_early_is_not_an_error(tmp_path: Path, script: Script) -> None:
    one_line = script("one-line", "head -n 1")

    written = displayed(tmp_path, "retries", "--retries", "999", PAGER=one_line)

    assert written.strip()
    assert written.count("\n") == 1


def test_less_keeps_the_terminal_after_ctrl_c(tmp_path: Path) -> None:
    child = spawn(tmp_path, *LONG, PAGER="less", LESS="RX")
    child.expect_exact("ATTEMPT")
    child.send("G")
    child.expect(r"201 +200 +")
    child.sendintr()
    # less still reads keys, but may drop those that it gets together with the signal.
    for _ in range(30):
        child.send("g")
        if child.expect([r"ATTEMPT", pexpect.TIMEOUT], timeout=2) == 0:
            break
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0


def test_the_pager_gets_the_first_rows_before_the_last_exist(
    tmp_path: Path, script: Script
) -> None:
    received = tmp_path / "received"
    pager = script("first", f"head -n 3 > {received}.part; mv {received}.part {received}; cat")
    view = View(columns=(Column(name="n", of="n"),), id="n")

    def rows() -> Iterator[dict[str, int]]:
        for n in range(1000):
            if n == 500:
                poll(received.exists)
                assert taken.is_taken
                assert received.read_text().split() == ["N", "0", "1"]
            yield {"n": n}

    taken = LiveLine()
    with Path(os.devnull).open("w", encoding="utf-8") as out:
        render(
            Result(data=rows(), view=view),
            format=None, query=None, columns=None, out=out, terminal=TERMINAL,
            pager=lambda stream: paged(stream, Pager(pager, os.environ, 24, taken.taken)),
        )  # fmt: skip

    assert received.exists()
    assert not taken.is_taken

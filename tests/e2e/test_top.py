"""`qstash top` on a real terminal."""

from __future__ import annotations

import signal
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pexpect
import pytest

from tests.e2e.conftest import QSTASH, Dev

_ALTERNATE, _MAIN = "\x1b[?1049h", "\x1b[?1049l"
_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def running_top(env: Mapping[str, str], *argv: str) -> Iterator[pexpect.spawn[str]]:
    child = pexpect.spawn(
        QSTASH[0], [*QSTASH[1:], "top", "--interval", "1s", *argv],
        env={**env, "TERM": "xterm", "NO_COLOR": "1"}, encoding="utf-8", timeout=60,
        dimensions=(24, 80),
    )  # fmt: skip
    try:
        yield child
    finally:
        child.close(force=True)


@pytest.fixture
def dev(start_dev: Callable[..., Dev]) -> Dev:
    return start_dev("--port", "0", "--quiet")


def assert_restored(child: pexpect.spawn[str]) -> None:
    end = str(child.before)
    assert end.rfind(_MAIN) > end.rfind(_ALTERNATE)
    assert _SHOW_CURSOR in end


def test_a_message_appears_and_q_quits(dev: Dev) -> None:
    with running_top(dev.env) as child:
        child.expect_exact(_ALTERNATE)
        child.expect("Deliveries  none")
        attributes = termios.tcgetattr(child.child_fd)
        assert not attributes[3] & termios.ECHO
        dev.qstash("queue", "set", "orders")
        dev.qstash("queue", "pause", "orders")
        dev.qstash("publish", "http://127.0.0.1:9/hook", "--queue", "orders", "a=1")

        child.expect(r"created\s+http://127\.0\.0\.1:9/hook")
        child.expect(r"orders\s+1\s+1\s+\S+ paused")
        child.send("q")
        child.expect(pexpect.EOF)
        child.wait()

    assert child.exitstatus == 0
    assert_restored(child)


def test_a_failed_refresh_is_displayed_until_ctrl_c(dev: Dev) -> None:
    with running_top(dev.env, "--max-wait", "0s") as child:
        child.expect("DLQ empty")
        dev.process.kill()

        child.expect(r"no server is listening at .*; retrying")
        child.sendintr()
        child.expect(pexpect.EOF)
        child.wait()

    assert child.exitstatus == 0
    assert_restored(child)


def test_sigterm_restores_the_terminal(dev: Dev) -> None:
    with running_top(dev.env) as child:
        child.expect("DLQ empty")
        child.kill(signal.SIGTERM)
        child.expect(pexpect.EOF)
        child.wait()

    assert child.signalstatus == signal.SIGTERM
    assert_restored(child)


def test_a_refused_token_ends_with_an_error(dev: Dev) -> None:
    with running_top(dev.env | {"QSTASH_TOKEN": "wrong"}) as child:
        child.expect(pexpect.EOF)
        child.wait()

    assert child.exitstatus == 3
    assert "error: " in str(child.before).rpartition(_MAIN)[2]

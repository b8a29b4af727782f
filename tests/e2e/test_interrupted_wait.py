"""Ctrl-C and SIGTERM while `publish --wait` waits: the id is already on standard output."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.e2e.conftest import QSTASH, Dev

NOWHERE = "http://127.0.0.1:9/"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_the_id_is_printed_before_the_wait(
    start_dev: Callable[..., Dev], number: signal.Signals
) -> None:
    dev = start_dev("--port", "0")
    process = subprocess.Popen(  # noqa: S603 - a command of the test
        [*QSTASH, "publish", NOWHERE, "--delay", "1d", "--wait"],
        env=dev.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None

    # Without a flush, this would block until the end of the wait.
    message_id = process.stdout.readline().strip()
    # The log is read only after the id is printed.
    process.send_signal(number)
    _, err = process.communicate(timeout=60)

    assert message_id.startswith("msg_")
    assert dev.qstash("message", "get", message_id).returncode == 0
    if number is signal.SIGINT:
        assert process.returncode == 130
        error, hint = err.splitlines()
        assert error == f"error: interrupted; {message_id} was published"
        assert f"`qstash message wait {message_id}` waits for its delivery" in hint
        assert f"`qstash logs --message {message_id} --follow`" in hint
    else:
        assert process.returncode == -signal.SIGTERM

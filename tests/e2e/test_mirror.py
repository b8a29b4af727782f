"""Mirrors live deliveries to a handler that verifies them, across a restart of the server."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import QSTASH, Dev
from tests.faults import Proxy, running_proxy
from tests.handlers import running_handler
from tests.ports import reserved_port
from tests.sink import Sink

StartDev = Callable[..., Dev]


@contextmanager
def following(env: dict[str, str], *argv: str) -> Iterator[subprocess.Popen[str]]:
    """Runs `qstash logs --follow` for the duration of the block."""
    with subprocess.Popen(  # noqa: S603 - a command of the test
        [*QSTASH, "logs", "--follow", "-o", "jsonl", *argv], env=env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def publish(dev: Dev, url: str, first: int, count: int) -> None:
    records = "".join(f'{{"n":{n}}}\n' for n in range(first, first + count))
    done = dev.qstash("batch", "-", "--to", url, stdin=records)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def port() -> Iterator[int]:
    with reserved_port() as free:
        yield free


def test_500_entries_are_forwarded_once_and_in_order_across_a_restart(
    start_dev: StartDev, sink: Sink, tmp_path: Path, port: int
) -> None:
    arguments = ("--db", str(tmp_path / "qstash.db"), "--port", str(port))
    dev = start_dev(*arguments)
    proxy = Proxy(dev.url)
    with running_handler() as handler, running_proxy(proxy):
        env = dev.env | {"QSTASH_URL": proxy.url}
        with following(env, "--since", "1h", "--to", handler.address) as follower:
            publish(dev, f"{sink.url}/hook?a=%20", 0, 250)
            lines = [next_record(follower) for _ in range(100)]
            dev.process.send_signal(signal.SIGKILL)
            dev.process.wait()
            again = start_dev(*arguments)
            publish(again, f"{sink.url}/hook?a=%20", 250, 250)
            lines += [next_record(follower) for _ in range(400)]

        logged = again.qstash("logs", "--state", "delivered", "--all", "-o", "json")
    entries = [(one["messageId"], one["time"]) for one in reversed(json.loads(logged.stdout))]
    assert len(entries) == 500
    assert [(line["messageId"], line["time"]) for line in lines] == entries
    assert {line["forwarded"]["status"] for line in lines} == {200}
    arrived = [one.header("upstash-message-id") for one in handler.taken]
    assert arrived == [message_id for message_id, _ in entries]
    assert {json.loads(one.body)["n"] for one in handler.taken} == set(range(500))
    assert handler.refused == []
    # A read-only token is sufficient.
    assert {line.partition("?")[0] for line in proxy.seen} == {"GET /v2/logs"}


def next_record(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_failed_attempts_are_forwarded_and_signed_for_their_own_url(
    start_dev: StartDev, sink: Sink
) -> None:
    dev = start_dev("--port", "0")
    sink.statuses = [500, 200]
    with (
        running_handler(f"{sink.url}/hook") as handler,
        following(dev.env, "--since", "1h", "--to", handler.address) as follower,
    ):
        dev.qstash("publish", f"{sink.url}/hook", "n:=1", "--retry-delay", "10", "--wait")
        lines = [next_record(follower), next_record(follower)]

    assert [line["state"] for line in lines] == ["ERROR", "DELIVERED"]
    assert [one.header("upstash-retried") for one in handler.taken] == ["0", "1"]
    assert [one.header("upstash-retried") for one in sink.received] == ["0", "1"]
    assert handler.refused == []


def test_a_redacted_delivery_is_skipped_with_a_warning(start_dev: StartDev, sink: Sink) -> None:
    dev = start_dev("--port", "0")
    with (
        running_handler() as handler,
        following(dev.env, "--since", "1h", "--to", handler.address) as follower,
    ):
        hidden = dev.qstash("publish", sink.url, "n:=1", "--redact", "body", "--wait")
        plain = dev.qstash("publish", sink.url, "n:=2", "--wait")
        line = next_record(follower)
        assert follower.stderr is not None
        warning = follower.stderr.readline()

    assert line["messageId"] == plain.stdout.strip()
    assert warning == (f"warning: {hidden.stdout.strip()} is not forwarded: its body is redacted\n")
    assert [one.body for one in handler.taken] == [b'{"n":2}']

"""`listen` shows what arrives, checks it, and saves what `verify` reads back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Qstash, Sink
from tests.e2e.conftest import plain_environment

Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Start]:
    """Starts `qstash listen -o jsonl` with these arguments; the process and its URL."""
    started: list[subprocess.Popen[str]] = []

    def start(*argv: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(  # noqa: S603 - a command of the test
            [sys.executable, "-m", "qstash_cli", "listen", "-o", "jsonl", *argv],
            env=plain_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"listening at (\S+)", line):
                return process, found[1]
        raise AssertionError("it did not listen")

    yield start
    for process in started:
        process.kill()
        process.communicate()


def record(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_deliveries_are_shown_checked_failed_first_and_saved(
    local: Qstash, listen: Start, tmp_path: Path
) -> None:
    process, url = listen("--dev", "--fail-first", "1", "--save", str(tmp_path / "captured"))

    message_id = local(
        "publish", f"{url}/hook?a=%20", "name=ada", "--retry-delay", "10"
    ).out.strip()
    first, second = record(process), record(process)

    assert (first["status"], first["retried"], second["status"]) == (500, "0", 200)
    assert (second["signature"], second["retried"], second["messageId"]) == (
        "valid", "1", message_id,
    )  # fmt: skip
    for name in ("0001.http", "0002.http"):
        run = local("verify", "--request", str(tmp_path / "captured" / name), "-o", "json")
        assert run.code == 0, run
        assert run.json["url"] == f"{url}/hook?a=%20"


def test_the_report_of_a_callback_is_decoded(local: Qstash, listen: Start, sink: Sink) -> None:
    process, url = listen("--dev")
    sink.body = b"thanks"

    local("publish", sink.url, "-d", "hello", "--callback", f"{url}/callback")
    shown = record(process)

    assert shown["path"] == "/callback"
    assert (shown["report"]["body"], shown["report"]["sourceBody"]) == ("thanks", "hello")


def test_it_forwards_and_tells_unsigned_requests_apart(listen: Start, sink: Sink) -> None:
    process, url = listen("--dev", "--forward", f"{sink.url}/base")
    sink.statuses = [418]

    answer = httpx.post(f"{url}/x?y=1", content=b"body", trust_env=False)

    assert (answer.status_code, answer.content) == (418, b"ok")
    assert (sink.received[0].path, sink.received[0].body) == ("/base/x?y=1", b"body")
    assert record(process)["signature"] == "none"


def test_a_port_in_use_is_told(qstash: Qstash, sink: Sink) -> None:
    port = sink.url.rpartition(":")[2]

    run = qstash("listen", "--port", port, "--dev")

    assert run.code == 1
    assert f"cannot listen on port {port}" in run.err

"""Concurrent `qstash batch` runs with the same input: each record is sent once."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from tests.e2e.conftest import QSTASH, plain_environment
from tests.stopping import stopped_later

COUNT = 300


class Api:
    """Acknowledges batches once `may_respond` is set, and records their deduplication ids."""

    def __init__(self) -> None:
        self.url = ""
        self.ids: list[str] = []
        self.has_request = threading.Event()
        self.may_respond = threading.Event()

    def respond(self, request: Received) -> tuple[int, bytes]:
        items = json.loads(request.body)
        self.ids += [item["headers"]["Upstash-Deduplication-Id"] for item in items]
        self.has_request.set()
        assert self.may_respond.wait(60)
        return 200, json.dumps([{"messageId": f"msg_{n}"} for n in range(len(items))]).encode()


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    with stopped_later(running_endpoint(made.respond)) as endpoint:
        made.url = endpoint.url
        yield made
        made.may_respond.set()


@pytest.fixture
def start(api: Api, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Returns a function that starts `qstash batch`; the processes are killed after the test."""
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f'{{"id":{number}}}\n' for number in range(COUNT)))
    env = plain_environment(tmp_path) | {"QSTASH_URL": api.url, "QSTASH_TOKEN": "token"}
    started: list[subprocess.Popen[str]] = []

    def start_(*argv: str, is_held: bool = False) -> subprocess.Popen[str]:
        command = [*QSTASH, "batch", *(argv or ("in.jsonl",)), "--to", "https://example.com/hook"]
        if is_held:
            command = ["sh", "-c", 'read -r _; exec "$@"', "sh", *command]
        with source.open() as stdin:
            process = subprocess.Popen(  # noqa: S603 - a command of the test
                command, env=env, cwd=tmp_path, text=True,
                stdin=subprocess.PIPE if is_held else stdin,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        started.append(process)
        return process

    yield start_
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "argv",
    [("in.jsonl",), ("in.jsonl", "--journal", "kept"), ("-", "--journal", "kept")],
    ids=["the default journal", "a named journal", "a stream"],
)
def test_the_first_of_three_runs_sends_and_the_others_report_it(
    api: Api, start: Callable[..., subprocess.Popen[str]], argv: tuple[str, ...]
) -> None:
    running = [start(*argv) for _ in range(3)]
    assert api.has_request.wait(60)
    refused: dict[int, str] = {}
    while len(refused) < 2:
        for process in running:
            if process.pid not in refused and process.poll() is not None:
                refused[process.pid] = process.communicate()[1]
    api.may_respond.set()
    (first,) = (process for process in running if process.pid not in refused)
    out, _ = first.communicate()

    assert (first.returncode, json.loads(out)) == (0, {"sent": COUNT, "refused": 0})
    assert [p.returncode for p in running if p is not first] == [1, 1], refused
    for output in refused.values():
        assert f"error: process {first.pid} is using this journal" in output
        assert "nothing was sent" in output
    assert len(api.ids) == len(set(api.ids)) == COUNT


@pytest.mark.parametrize("attempt", range(5))
def test_three_simultaneous_runs_send_each_record_once(
    api: Api, start: Callable[..., subprocess.Popen[str]], attempt: int
) -> None:
    api.may_respond.set()

    # Each shell execs `qstash` after reading a line, so that no run ends before another starts.
    waiting = [start(is_held=True) for _ in range(3)]
    for process in waiting:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    output = [process.communicate()[1] for process in waiting]

    assert sorted(process.returncode for process in waiting) == [0, 1, 1], (attempt, output)
    assert len(api.ids) == len(set(api.ids)) == COUNT


def test_a_run_after_a_finished_run_sends_everything_again(
    api: Api, start: Callable[..., subprocess.Popen[str]]
) -> None:
    api.may_respond.set()

    for _ in range(2):
        process = start()
        process.communicate()
        assert process.returncode == 0

    assert len(api.ids) == len(set(api.ids)) == 2 * COUNT


def test_a_killed_run_releases_its_lock(
    api: Api, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    killed = start()
    assert api.has_request.wait(60)
    killed.kill()
    killed.communicate()
    api.may_respond.set()

    resumed = start("in.jsonl", "--resume")
    _, output = resumed.communicate()

    assert resumed.returncode == 0, output
    assert (len(api.ids), len(set(api.ids))) == (2 * COUNT, COUNT)
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl", "in.jsonl.journal"}

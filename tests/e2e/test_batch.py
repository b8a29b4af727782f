"""`qstash batch` as a real process: killed, interrupted, and over a faulty network."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import QSTASH, Dev
from tests.faults import Proxy, at_random, running_proxy
from tests.polling import poll

NOWHERE = "http://127.0.0.1:9/later"
KILLS = 5
MOST_KB = 120 * 1024


def write_records(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.writelines(f'{{"id":{number},"pad":"{"x" * 185}"}}\n' for number in range(count))


def bodies_in(database: Path) -> Counter[int]:
    connection = sqlite3.connect(database)
    try:
        rows = connection.execute("SELECT body FROM messages").fetchall()
    finally:
        connection.close()
    return Counter(json.loads(row[0])["id"] for row in rows)


def batch(dev: Dev, url: str, path: Path, *argv: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - a command of the test
        [*QSTASH, "batch", str(path), "--to", NOWHERE, "--delay", "1d", "--chunk-size", "100",
         "--resume", *argv],
        env=dev.env | {"QSTASH_URL": url}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Returns the exit code and standard error."""
    _, said = process.communicate()
    return process.returncode, said.decode()


@pytest.mark.parametrize(
    ("kills", "share_of_faults"),
    [(KILLS, 0.0), (0, 0.2), (KILLS, 0.2)],
    ids=["killed", "faults", "both"],
)
@pytest.mark.parametrize("count", [4_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_no_record_is_lost_or_sent_twice(
    count: int,
    kills: int,
    share_of_faults: float,
    start_dev: Callable[..., Dev],
    tmp_path: Path,
) -> None:
    source, database = tmp_path / "records.jsonl", tmp_path / "qstash.db"
    write_records(source, count)
    dev = start_dev("--port", "0", "--db", str(database))
    kill_at = [count // 100 * part // (kills + 1) for part in range(1, kills + 1)]
    running: list[subprocess.Popen[bytes]] = []
    killed: list[subprocess.Popen[bytes]] = []
    lock = threading.Lock()

    def kill_in_the_middle(number: int) -> None:
        with lock:
            if len(killed) == kills or number < kill_at[len(killed)]:
                return
            # Its first request may arrive before the test has the process.
            poll(lambda: len(running) > len(killed))
            running[-1].kill()
            killed.append(running[-1])

    codes: list[int] = []
    proxy = Proxy(dev.url, at_random(share_of_faults, seed=5), kill_in_the_middle)
    with running_proxy(proxy):
        while not codes or codes[-1] == -signal.SIGKILL:
            running.append(batch(dev, proxy.url, source))
            code, said = ended(running[-1])
            codes.append(code)
    dev.process.terminate()
    dev.process.wait()

    assert codes == [-signal.SIGKILL] * kills + [0], said
    assert bodies_in(database) == Counter(range(count))


# Started by a small process, because the peak memory of a child includes that of its parent.
MEASURED = (
    sys.executable,
    "-c",
    (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    ),
)


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_memory_is_constant(count: int, start_dev: Callable[..., Dev], tmp_path: Path) -> None:
    source, database = tmp_path / "records.jsonl", tmp_path / "qstash.db"
    write_records(source, count)
    dev = start_dev("--port", "0", "--db", str(database))

    done = subprocess.run(  # noqa: S603 - a command of the test
        [*MEASURED, *QSTASH, "batch", str(source), "--to", NOWHERE, "--delay", "1d"],
        env=dev.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    dev.process.terminate()
    dev.process.wait()

    assert done.returncode == 0, done.stderr
    assert bodies_in(database) == Counter(range(count))
    assert int(done.stdout.split()[-1]) < MOST_KB


def test_ctrl_c_exits_cleanly_and_resume_continues(
    start_dev: Callable[..., Dev], tmp_path: Path
) -> None:
    source, database = tmp_path / "records.jsonl", tmp_path / "qstash.db"
    write_records(source, 2_000)
    dev = start_dev("--port", "0", "--db", str(database))
    running: list[subprocess.Popen[bytes]] = []

    def interrupt(number: int) -> None:
        if number == 5:
            poll(lambda: running)
            running[0].send_signal(signal.SIGINT)

    with running_proxy(Proxy(dev.url, on_request=interrupt)) as proxy:
        running.append(batch(dev, proxy.url, source, "--in-flight", "2"))
        code, said = ended(running[0])
        sent_before = len(proxy.seen) * 100
        again, said_again = ended(batch(dev, proxy.url, source))
        in_all = len(proxy.seen) * 100
    dev.process.terminate()
    dev.process.wait()

    assert code == 130
    assert f"error: interrupted after {sent_before:,} records" in said
    assert "--resume" in said
    assert "Traceback" not in said
    assert (again, in_all) == (0, 2_000), said_again
    assert bodies_in(database) == Counter(range(2_000))


@pytest.mark.parametrize(
    ("form", "lines", "numbers", "bodies"),
    [
        (("--lines",), ("one\n", "two\n", "three\n"), (1, 2, 3), ("one", "two", "three")),
        (("--format", "jsonl"), ("1\n", "[2]\n", "{}\n"), (1, 2, 3), ("1", "[2]", "{}")),
        (
            ("--format", "csv"),
            ('id,name\n1,"ada"\n', '2,"a\nb"\n', "3,\n"),
            (2, 3, 5),
            ('{"id":"1","name":"ada"}', '{"id":"2","name":"a\\nb"}', '{"id":"3","name":""}'),
        ),
    ],
    ids=["lines", "jsonl", "csv"],
)
def test_an_endless_stream_is_sent_as_it_arrives(
    start_dev: Callable[..., Dev],
    form: tuple[str, ...],
    lines: tuple[str, ...],
    numbers: tuple[int, ...],
    bodies: tuple[str, ...],
) -> None:
    dev = start_dev("--port", "0")
    process = subprocess.Popen(  # noqa: S603 - a command of the test
        [*QSTASH, "batch", "-", *form, "--to", NOWHERE, "--delay", "1d", "-o", "jsonl"],
        env=dev.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None

    with process.stdin as stdin, process.stdout as stdout:
        for text, number, body in zip(lines, numbers, bodies, strict=True):
            stdin.write(text)
            sent = json.loads(stdout.readline())
            assert sent["line"] == number
            message = json.loads(dev.qstash("message", "get", sent["messageId"], "--json").stdout)
            assert message["body"] == body
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 130

"""Responses designed to exhaust memory and time: each attempt ends in time, in bounded memory."""

from __future__ import annotations

import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from qstash_cli.client import external
from tests import plain_http
from tests.e2e.conftest import QSTASH, Dev, Listener, plain_environment, run
from tests.figures import Figures
from tests.in_process import Qstash
from tests.sink import Sink
from tests.trust.bombs import BOMBS, MEBIBYTE, bomb_server
from tests.trust.conftest import client_of, publish, resident_kb, states
from tests.trust.memory import peak_mebibytes
from tests.trust.raw_server import RawServer

CLASS = "response bombs"
Eventually = Callable[..., object]
GENEROUS_S = 120
ATTEMPT_S = 60
RETRIED_ONCE = {"Upstash_Retries": "1", "Upstash_Retry_Delay": "1"}
# Four responses at a time, each read, encoded and stored, plus SQLite's cache.
MOST_GROWTH_MB = 150


@pytest.fixture(scope="module")
def bombs() -> Iterator[RawServer]:
    for bomb in BOMBS.values():
        bomb.prepare()
    with bomb_server() as server:
        yield server


class Slowest:
    """Sends API requests in a loop and records the slowest response in seconds."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seconds = 0.0
        self.count = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(0.02):
            began_at = time.monotonic()
            assert self._http.get("/v2/keys").status_code == 200
            self.seconds = max(self.seconds, time.monotonic() - began_at)
            self.count += 1


@pytest.mark.parametrize("status", [200, 500])
def test_bombs_fail_only_their_own_attempts(  # noqa: PLR0917 - fixtures
    start_dev: Callable[..., Dev],
    bombs: RawServer,
    sink: Sink,
    tmp_path: Path,
    eventually: Eventually,
    figures: Figures,
    status: int,
) -> None:
    # On disk, because stored responses would count as memory otherwise.
    dev = start_dev("--port", "0", "--db", str(tmp_path / "db"))
    with client_of(dev) as http, client_of(dev) as other:
        http.post("/v2/queues", json={"queueName": "bombs", "parallelism": 4})
        options = {
            "Upstash_Queue_Name": "bombs",
            "Upstash_Timeout": f"{ATTEMPT_S}s",
            **RETRIED_ONCE,
        }
        # Warm up: the first delivery imports shared modules.
        ordinary = publish(http, sink.url)
        eventually(lambda: "DELIVERED" in states(http, ordinary), within_s=GENEROUS_S)
        before_mb = resident_kb(dev) // 1024

        with Slowest(other) as slowest:
            ids = {n: publish(http, f"{bombs.url}/{status}/{n}", **options) for n in BOMBS}
            ordinary = publish(http, sink.url)
            eventually(lambda: "DELIVERED" in states(http, ordinary), within_s=GENEROUS_S)
            eventually(lambda: slowest.count > 3)
            eventually(lambda: not http.get("/v2/queues/bombs").json()["lag"], GENEROUS_S)
        grown_mb = peak_mebibytes(dev.process.pid) - before_mb

        wrong = [name for name in BOMBS if not is_ended_as_it_must(http, ids[name], name, status)]
        figures(
            CLASS, cases=len(BOMBS), failures=len(wrong), grown_by_MB=grown_mb,
            slowest_ms=f"{slowest.seconds * 1000:.0f}",
        )  # fmt: skip
        assert wrong == []
        assert grown_mb < MOST_GROWTH_MB
        # An endless bomb that is read until its attempt times out would block the server as long.
        assert slowest.seconds < ATTEMPT_S / 3


def is_ended_as_it_must(http: httpx.Client, message_id: str, name: str, status: int) -> bool:
    """Whether the message used all attempts and is in the DLQ, or was delivered at once."""
    (entry, *_), steps = dlq_messages(http, message_id), states(http, message_id)
    if status == 500 or BOMBS[name].is_refused:
        return (steps[0], steps.count("ERROR"), entry) == ("FAILED", 2, message_id)
    return (steps[0], steps.count("ERROR"), entry) == ("DELIVERED", 0, "")


def dlq_messages(http: httpx.Client, message_id: str) -> list[str]:
    """Returns the DLQ entries of a message."""
    found = http.get("/v2/dlq", params={"messageId": message_id}).json()["messages"]
    return [entry["messageId"] for entry in found] or [""]


@pytest.mark.parametrize("name", BOMBS)
def test_requests_to_endpoints_read_at_most_a_mebibyte(
    bombs: RawServer, figures: Figures, name: str
) -> None:
    tracemalloc.start()
    began_at = time.monotonic()
    reply = external.send("POST", f"{bombs.url}/200/{name}", timeout_s=ATTEMPT_S, body=b"x")
    took_s = time.monotonic() - began_at
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    figures(CLASS, cases=1, failures=int(peak > 10 * MEBIBYTE))
    assert (reply.status, bool(reply.error)) == (
        (0, True) if BOMBS[name].is_refused else (200, False)
    )
    assert len(reply.body) <= MEBIBYTE
    assert peak < 10 * MEBIBYTE
    # A body that is read on would take until the time limit.
    assert took_s < ATTEMPT_S / 2


def test_urlgroup_check_survives_endpoints_that_are_bombs(local: Qstash, bombs: RawServer) -> None:
    endpoints = [f"{bombs.url}/200/{name}" for name in BOMBS]
    assert local("urlgroup", "add", "bombs", *endpoints).code == 0

    run = local("urlgroup", "check", "bombs", "-o", "json")

    dead = {entry["url"].rpartition("/")[2] for entry in run.json}
    assert dead <= {name for name, bomb in BOMBS.items() if bomb.is_refused}


def test_listen_forwards_to_bombs_in_bounded_memory(
    listen: Callable[..., Listener], bombs: RawServer, figures: Figures
) -> None:
    listener = listen("--dev", "--to", f"{bombs.url}/200")
    before_mb = peak_mebibytes(listener.process.pid)

    with plain_http.Client(timeout=GENEROUS_S) as client:
        found = {name: client.post(f"{listener.url}/{name}").status_code for name in BOMBS}

    wrong = [
        name for name, bomb in BOMBS.items() if found[name] != (502 if bomb.is_refused else 200)
    ]
    grown_mb = peak_mebibytes(listener.process.pid) - before_mb
    figures(CLASS, cases=len(BOMBS), failures=len(wrong), grown_by_MB=grown_mb)
    assert wrong == []
    # Warm up: the first request imports httpx2.
    assert grown_mb < 60
    assert listener.stop() == ""


# In a subprocess, because a child's peak starts with the memory of the process that forks it.
MEASURED = (
    "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); "
    "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
)


@pytest.mark.parametrize("name", ["gzip", "gzip-of-gzip", "endless-chunks"])
def test_probe_ends_in_bounded_memory(
    bombs: RawServer, tmp_path: Path, figures: Figures, name: str
) -> None:
    probe = [*QSTASH, "probe", f"{bombs.url}/200/{name}", "--dev", "-o", "json"]

    done = run([sys.executable, "-c", MEASURED, *probe], plain_environment(tmp_path))
    code, peak_kb = map(int, done.stderr.splitlines()[-1].split())

    figures(CLASS, cases=1, failures=int(peak_kb > 150_000))
    assert code == 1
    assert peak_kb < 150_000

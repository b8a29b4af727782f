"""The embedded server under pressure keeps delivering other messages, in constant memory."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.e2e.conftest import Dev
from tests.figures import Figures
from tests.sink import Sink
from tests.trust.conftest import client_of, publish, resident_kb, states
from tests.trust.hostile import RETRY_AFTER, WAYS, hostile_destination

PRESSURE = "server, pressure"
Eventually = Callable[..., object]
GENEROUS_S = 30


@pytest.fixture
def hostile() -> Iterator[str]:
    with hostile_destination() as url:
        yield url


def deliver_to_hostile_destinations(
    http: httpx.Client, hostile: str, sink: Sink, eventually: Eventually, *, each: int
) -> tuple[int, list[str]]:
    """Returns the number of messages to hostile destinations, and the ids of unfinished ones."""
    headers = {
        "Upstash_Timeout": "1s",
        "Upstash_Retries": "0",
        "Upstash_Callback": f"{sink.url}/back",
    }
    retried = {"Upstash_Retries": "1", "Upstash_Timeout": "1s"}
    ids = [
        publish(http, f"{hostile}/{way}", **headers)
        for way in [*WAYS, "redirects"]
        for _ in range(each)
    ]
    again = [
        publish(http, f"{hostile}/retry-after-{n}", **retried) for n in range(len(RETRY_AFTER))
    ]
    other = publish(http, f"{sink.url}/other")

    eventually(lambda: "DELIVERED" in states(http, other), within_s=GENEROUS_S * each)

    def endless() -> list[str]:
        ends = {"DELIVERED", "FAILED"}
        return [one for one in ids if not ends & set(states(http, one))] + [
            one for one in again if not {"RETRY", "FAILED"} & set(states(http, one))
        ]

    eventually(lambda: not endless(), within_s=GENEROUS_S * each)
    eventually(lambda: "/back" in [r.path for r in sink.received])
    return len(ids) + len(again), endless()


def test_hostile_destinations_do_not_block_other_deliveries(
    *,
    start_dev: Callable[..., Dev],
    hostile: str,
    sink: Sink,
    eventually: Eventually,
    figures: Figures,
) -> None:
    dev = start_dev("--port", "0")
    with client_of(dev) as http:
        before_kb = resident_kb(dev)

        tried, endless = deliver_to_hostile_destinations(http, hostile, sink, eventually, each=2)

        grown_mb = (resident_kb(dev) - before_kb) // 1024
        figures(PRESSURE, cases=tried, failures=len(endless), grown_by_MB=grown_mb)
        assert grown_mb < 200


@pytest.mark.soak
def test_many_hostile_destinations_do_not_increase_memory(
    *,
    start_dev: Callable[..., Dev],
    hostile: str,
    sink: Sink,
    tmp_path: Path,
    eventually: Eventually,
    figures: Figures,
) -> None:
    # On disk: a response of 1 MB is stored in the log, the DLQ and a callback.
    dev = start_dev("--port", "0", "--db", str(tmp_path / "db"))
    with client_of(dev) as http:
        deliver_to_hostile_destinations(http, hostile, sink, eventually, each=10)
        before_kb = resident_kb(dev)

        tried, endless = deliver_to_hostile_destinations(http, hostile, sink, eventually, each=30)

        grown_mb = (resident_kb(dev) - before_kb) // 1024
        figures(PRESSURE, cases=tried, failures=len(endless), grown_by_MB=grown_mb)
        assert grown_mb < 100


SLOW = (
    b"", b"P", b"POST /v2/keys HTTP/1.1\r\nHost: localhost\r\nX",
    b"POST /v2/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
    b"Content-Length: 100000\r\n\r\n[" % DEV_USER.token.encode(),
)  # fmt: skip


def deliver_beside_slow_clients(
    http: httpx.Client, sink: Sink, eventually: Eventually, each: int
) -> int:
    """Keeps `each` slow clients of every kind connected while other messages are delivered."""
    address = ("127.0.0.1", http.base_url.port or 0)
    with ExitStack() as open_ones:
        for start, _ in itertools.product(SLOW, range(each)):
            connection = open_ones.enter_context(socket.create_connection(address))
            connection.sendall(start)
        publish(http, f"{sink.url}/meanwhile")
        eventually(lambda: "/meanwhile" in [r.path for r in sink.received])
    publish(http, f"{sink.url}/after")
    eventually(lambda: "/after" in [r.path for r in sink.received])
    return each * len(SLOW)


def test_slow_clients_do_not_block_other_deliveries(
    http: httpx.Client,
    sink: Sink,
    eventually: Eventually,
    log_lines: list[str],
    figures: Figures,
) -> None:
    tried = deliver_beside_slow_clients(http, sink, eventually, 40)

    figures(PRESSURE, cases=tried)
    assert log_lines == []


@pytest.mark.soak
def test_idle_clients_are_disconnected(
    http: httpx.Client, sink: Sink, eventually: Eventually, figures: Figures
) -> None:
    tried = deliver_beside_slow_clients(http, sink, eventually, 100)
    address = ("127.0.0.1", http.base_url.port or 0)
    with ExitStack() as open_ones:
        silent = [open_ones.enter_context(socket.create_connection(address)) for _ in SLOW[:3]]
        for connection, start in zip(silent, SLOW, strict=False):
            connection.sendall(start)
            connection.settimeout(60)

        # Raises a socket timeout if the connection stays open.
        received = [to_end(connection) for connection in silent]

    wrong = [one for one in received if one and not one.startswith(b"HTTP/1.1 408 ")]
    figures(PRESSURE, cases=tried + len(silent), failures=len(wrong))
    assert wrong == []
    assert received[0] == b""


def to_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(4096), b""))


def assert_queues_deliver(
    http: httpx.Client, sink: Sink, eventually: Eventually, count: int
) -> None:
    for first in range(0, count, 100):
        items = [
            {"destination": f"{sink.url}/{n}", "queue": f"q{n}"} for n in range(first, first + 100)
        ]
        responses = http.post("/v2/batch", json=items).json()
        assert all("messageId" in one for one in responses)

    eventually(lambda: len({r.path for r in sink.received}) == count, within_s=count / 20 + 60)
    assert len(http.get("/v2/queues").json()) == count


def test_hundreds_of_queues_each_deliver(
    http: httpx.Client, sink: Sink, eventually: Eventually, figures: Figures
) -> None:
    assert_queues_deliver(http, sink, eventually, 200)

    figures(PRESSURE, cases=200)


@pytest.mark.soak
def test_ten_thousand_queues_each_deliver(
    http: httpx.Client, sink: Sink, eventually: Eventually, figures: Figures
) -> None:
    assert_queues_deliver(http, sink, eventually, 10_000)

    figures(PRESSURE, cases=10_000)

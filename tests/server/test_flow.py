"""Flow control enforces its limits, and the official SDK reads and changes them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from qstash.errors import QStashError

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.conformance.conftest import Connect
from tests.conformance.conftest import connect as connect  # noqa: PLC0414 - the fixture
from tests.sink import Sink

Eventually = Callable[[Callable[[], object]], object]


def test_no_more_messages_than_the_rate_start_in_a_period(sink: Sink, connect: Connect) -> None:
    with running_server(ServerConfig(port=0, speed=0)) as url:
        sdk = connect(DEV_USER.token, url)

        def move(duration: str) -> int:
            headers = {"Authorization": f"Bearer {DEV_USER.token}"}
            to = {"advance": duration}
            moved = plain_http.post(f"{url}/console/api/clock", json=to, headers=headers).json()
            assert moved["settled"]
            now_ms: int = moved["time"]
            return now_ms

        for _ in range(30):
            sdk.message.publish(url=sink.url, flow_control={"key": "k", "rate": 5, "period": "1s"})
        started_ms, counts = move("0s"), [len(sink.received)]
        for _ in range(5):
            move("1s")
            counts.append(len(sink.received))

        entries = sdk.log.list(count=1000).logs

    assert counts == [5, 10, 15, 20, 25, 30]
    starts = sorted(entry.time - started_ms for entry in entries if entry.state.value == "ACTIVE")
    assert starts == [second * 1000 for second in range(6) for _ in range(5)]


def test_no_more_messages_than_the_parallelism_are_in_flight(
    server_url: str, connect: Connect, eventually: Eventually
) -> None:
    open_now, peak, lock = 0, 0, threading.Lock()
    may_respond = threading.Event()

    def respond(_request: Received) -> tuple[int, bytes]:
        nonlocal open_now, peak
        with lock:
            open_now += 1
            peak = max(peak, open_now)
        may_respond.wait(60)
        with lock:
            open_now -= 1
        return 200, b""

    sdk = connect(DEV_USER.token, server_url)
    with running_endpoint(respond) as endpoint:
        for _ in range(12):
            sdk.message.publish(url=endpoint.url, flow_control={"key": "a/b", "parallelism": 3})
        eventually(lambda: open_now == 3)
        eventually(lambda: sdk.flow_control.get("a/b").wait_list_size == 9)
        may_respond.set()
        eventually(lambda: len(endpoint.received) == 12 and open_now == 0)

    assert peak == 3
    eventually(lambda: sdk.flow_control.get("a/b").parallelism_count == 0)


def test_a_paused_key_starts_no_deliveries(
    server_url: str, sink: Sink, connect: Connect, eventually: Eventually
) -> None:
    sdk = connect(DEV_USER.token, server_url)
    sdk.flow_control.pause("k")
    sdk.message.publish(url=sink.url, flow_control={"key": "k", "rate": 5})
    eventually(lambda: sdk.flow_control.get("k").wait_list_size == 1)
    assert sdk.flow_control.get("k").is_paused
    assert sink.received == []

    sdk.flow_control.resume("k")

    eventually(lambda: len(sink.received) == 1)


def test_pinned_limits_remain_until_they_are_unpinned(
    server_url: str, sink: Sink, connect: Connect
) -> None:
    sdk = connect(DEV_USER.token, server_url)

    def limits() -> tuple[int, int, int, bool, bool]:
        key = sdk.flow_control.get("k")
        return (
            key.parallelism_max, key.rate_max, key.rate_period,
            key.is_pinned_parallelism, key.is_pinned_rate,
        )  # fmt: skip

    with pytest.raises(QStashError, match="flow control key k not found"):
        limits()
    sdk.flow_control.pin("k", {"parallelism": 7, "rate": 9, "period": 30})
    sdk.message.publish(url=sink.url, flow_control={"key": "k", "parallelism": 1, "rate": 1})
    assert limits() == (7, 9, 30, True, True)

    sdk.flow_control.unpin("k", {"parallelism": True, "rate": False})
    sdk.message.publish(url=sink.url, flow_control={"key": "k", "parallelism": 2, "rate": 1})

    assert limits() == (2, 9, 30, False, True)


def test_limits_survive_a_restart(
    sink: Sink, connect: Connect, eventually: Eventually, tmp_path: Path
) -> None:
    config = ServerConfig(port=0, db=tmp_path / "db")
    with running_server(config) as url:
        sdk = connect(DEV_USER.token, url)
        sdk.flow_control.pause("k")
        sdk.message.publish(url=sink.url, flow_control={"key": "k", "rate": 5})
    with running_server(config) as url:
        sdk = connect(DEV_USER.token, url)
        eventually(lambda: sdk.flow_control.get("k").wait_list_size == 1)
        assert sink.received == []
        sdk.flow_control.resume("k")
        eventually(lambda: len(sink.received) == 1)


def test_a_callback_obeys_its_own_flow_control(
    server_url: str, sink: Sink, connect: Connect, eventually: Eventually
) -> None:
    sdk = connect(DEV_USER.token, server_url)
    sdk.flow_control.pause("callbacks")
    headers = {
        "Authorization": f"Bearer {DEV_USER.token}",
        "Upstash-Callback": f"{sink.url}/callback",
        "Upstash-Callback-Flow-Control-Key": "callbacks",
        "Upstash-Callback-Flow-Control-Value": "rate=5",
    }
    # The SDK would forward these headers.
    publish = f"{server_url}/v2/publish/{sink.url}/work"
    plain_http.post(publish, headers=headers).raise_for_status()
    eventually(lambda: sdk.flow_control.get("callbacks").wait_list_size == 1)
    assert [request.path for request in sink.received] == ["/work"]

    sdk.flow_control.resume("callbacks")

    eventually(lambda: [request.path for request in sink.received] == ["/work", "/callback"])

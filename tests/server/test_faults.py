"""Faults that the server injects into deliveries."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from random import Random
from typing import Any

import httpx
import httpx2
import pytest

from qstash_cli.commands.dev.event_lines import line_of, record_of
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.faults import parse_faults
from qstash_cli.protocol.headers import Headers
from qstash_cli.server.clock import ManualClock
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.delivery.http_attempt import Deliverer
from qstash_cli.server.delivery.injection import FaultInjection
from qstash_cli.server.events import ServerEvent
from qstash_cli.server.run import ServerConfig, running_server
from qstash_cli.server.services.accounts import new_id
from qstash_cli.server.services.publish_rules import PublishRequest
from qstash_cli.server.services.publishing import PublishResult, store_publish
from qstash_cli.server.storage import keys
from qstash_cli.server.storage.store import Connection, Store
from tests import plain_http
from tests.in_process import Qstash
from tests.sink import Sink

_HEADERS = {"Authorization": f"Bearer {DEV_USER.token}"}


def post(http: httpx.Client, path: str, **more: Any) -> Any:
    response = http.post(path, timeout=60, **more)
    assert response.is_success, response.text
    return response.json()


async def duplicated(seed: int, *, max_concurrency: int, callback: bool) -> list[str]:
    """Delivers 1,000 messages, and returns those that arrived twice, in order of publishing."""
    arrived: Counter[str] = Counter()
    delays = Random(max_concurrency)  # noqa: S311 - reproducible

    async def respond(request: httpx2.Request) -> httpx2.Response:
        # The deliveries overtake each other.
        for _ in range(delays.randrange(4)):
            await asyncio.sleep(0)
        arrived[request.extensions["target"].decode()] += 1
        return httpx2.Response(200)

    store, clock = Store(None), ManualClock(1_900_000_000_000)
    deliverer = Deliverer((), transport=httpx2.MockTransport(respond))
    injection = FaultInjection(parse_faults("deliver:duplicate=1%"), seed)
    engine = Engine(
        store, clock, deliverer, new_id, max_concurrency=max_concurrency, injection=injection
    )
    await store.run(lambda connection: keys.init(connection, "sig_current", "sig_next"))
    await engine.start()
    headers = (("Upstash-Callback", "https://a.example/callback"),) if callback else ()
    for number in range(1000):
        published = await store.run(partial(_publish, number=number, headers=headers))
        engine.add(published.messages)
    while not engine.is_idle:  # noqa: ASYNC110 - the condition has no event
        await asyncio.sleep(0)
    await engine.stop()
    await deliverer.close()
    store.close()
    assert all(f"/{number}" in arrived for number in range(1000))
    return [f"/{number}" for number in range(1000) if arrived[f"/{number}"] == 2]


def _publish(connection: Connection, *, number: int, headers: Headers) -> PublishResult:
    request = PublishRequest(
        destination=f"https://a.example/{number}",
        headers=headers,
        body=b"",
        now_ms=1_900_000_000_000,
        caller_ip="::1",
    )
    return store_publish(connection, request, new_id)


def test_a_thousand_messages_have_the_same_duplicates_for_the_same_seed() -> None:
    async def compare() -> None:
        one_at_a_time = await duplicated(7, max_concurrency=1, callback=False)
        many = await duplicated(7, max_concurrency=100, callback=True)

        assert 3 <= len(many) <= 25
        assert many == one_at_a_time

    asyncio.run(compare())


def test_an_injected_error_is_retried_and_marked_in_the_log(sink: Sink, qstash: Qstash) -> None:
    config = ServerConfig(port=0, speed=0, faults=parse_faults("deliver:error=100%"))
    with (
        running_server(config) as url,
        plain_http.Client(base_url=url, headers=_HEADERS) as http,
    ):
        headers = {"Upstash-Retries": "1"}
        message_id = post(http, f"/v2/publish/{sink.url}", headers=headers)["messageId"]
        post(http, "/console/api/clock", json={"advance": "1h"})
        log = http.get("/v2/logs", params={"messageId": message_id}).json()["events"]
        qstash.env |= {"QSTASH_URL": url, "QSTASH_TOKEN": DEV_USER.token}
        screen = qstash("message", "show", message_id, tty=True, columns=120)

    assert sink.received == []
    errors = [one for one in log if one["state"] == "ERROR"]
    assert [one["injectedFaults"] for one in errors] == [["error"], ["error"]]
    assert log[0]["state"] == "FAILED"
    assert "injected fault: nothing was sent (injected: error)" in screen.out


@pytest.mark.parametrize(("timeout", "state"), [("5s", "DELIVERED"), ("1s", "FAILED")])
def test_a_slow_delivery_takes_the_servers_time_and_may_time_out(
    sink: Sink, timeout: str, state: str
) -> None:
    config = ServerConfig(port=0, speed=0, faults=parse_faults("deliver:slow=2s@100%"))
    with (
        running_server(config) as url,
        plain_http.Client(base_url=url, headers=_HEADERS) as http,
    ):
        start_ms = post(http, "/console/api/clock", json={})["time"]
        headers = {"Upstash-Timeout": timeout, "Upstash-Retries": "0"}
        message_id = post(http, f"/v2/publish/{sink.url}", headers=headers)["messageId"]
        assert post(http, "/console/api/clock", json={"settle": True})["settled"]
        assert sink.received == []
        post(http, "/console/api/clock", json={"advance": "10s"})
        end = http.get("/v2/logs", params={"messageId": message_id}).json()["events"][0]

    assert (end["state"], end["time"] - start_ms) == (state, 2000 if timeout == "5s" else 1000)
    assert end["injectedFaults"] == ["slow 2s"]


def test_the_line_and_the_record_of_an_event_name_the_faults() -> None:
    event = ServerEvent("delivered", 0, status=200, duration_ms=8, faults=["duplicate"])

    assert line_of(event).note == "200 in 8 ms (injected: duplicate)"
    assert record_of(event)["injectedFaults"] == ["duplicate"]
    assert "injectedFaults" not in record_of(ServerEvent("delivered", 0, status=200))


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (("--fault", "deliver:error=5"), "--fault: not a percentage: '5'"),
        (("--fault-seed", "7"), "--fault-seed needs --fault"),
        (("--clock", "fast"), "--clock: not a kind of clock: 'fast'"),
        (("--clock", "manual", "--speed", "2"), "--speed cannot be combined with --clock manual"),
    ],
)
def test_invalid_options_are_refused(qstash: Qstash, argv: tuple[str, ...], error: str) -> None:
    run = qstash("dev", *argv)

    assert run.code == 2
    assert f"error: {error}" in run.err

"""An attempt whose outcome cannot be stored yet is not repeated."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from pathlib import Path

import pytest

from qstash_cli.server.clock import ScaledClock
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.delivery.http_attempt import Deliverer
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from qstash_cli.server.services import publishing
from qstash_cli.server.services.publish_rules import PublishRequest
from qstash_cli.server.storage import keys
from qstash_cli.server.storage.store import Store

# The response of the destination that fills the disk, and the pages that remain for it.
RESPONSE = bytes(500_000)
PAGES_LEFT = 20


def limit_pages(connection: sqlite3.Connection, more: int) -> None:
    (used,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {used + more}")


def last_state(connection: sqlite3.Connection) -> str:
    (state,) = connection.execute("SELECT state FROM logs ORDER BY seq DESC LIMIT 1").fetchone()
    return str(state)


def test_a_full_disk_does_not_repeat_deliveries(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    requests: list[Received] = []

    def respond(request: Received) -> tuple[int, bytes]:
        requests.append(request)
        return 200, RESPONSE

    async def scenario(destination: str) -> None:
        numbers = itertools.count()
        store = Store(tmp_path / "db")
        clock = ScaledClock()
        deliverer = Deliverer(())

        def new_id(prefix: str) -> str:
            return f"{prefix}_{next(numbers)}"

        engine = Engine(store, clock, deliverer, new_id, max_concurrency=10)
        await store.run(lambda connection: keys.init(connection, "sig_current", "sig_next"))
        await engine.start()
        request = PublishRequest(
            destination=destination, headers=(), body=b"", now_ms=clock.now_ms(), caller_ip="::1"
        )
        result = await store.run(lambda c: publishing.store_publish(c, request, new_id))
        await store.run(lambda connection: limit_pages(connection, PAGES_LEFT))
        engine.add(result.messages)
        async with asyncio.timeout(60):
            while caplog.text.count("cannot be stored yet") < 2:  # noqa: ASYNC110 - real time
                await asyncio.sleep(0.01)
            await store.run(lambda connection: limit_pages(connection, 10_000))
            while await store.run(last_state) != "DELIVERED":  # noqa: ASYNC110 - real time
                await asyncio.sleep(0.01)
        await engine.stop()
        await deliverer.close()
        store.close()

    with running_endpoint(respond) as endpoint:
        asyncio.run(scenario(endpoint.url))

    assert len(requests) == 1

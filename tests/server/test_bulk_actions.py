"""Bulk actions of one account: their expiry, their number, and how long a request waits."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qstash_cli.server.clock import ScaledClock
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.delivery.http_attempt import Deliverer
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services.bulk_cancel import BulkCancels
from qstash_cli.server.storage import bulk_actions
from qstash_cli.server.storage.store import Store
from tests.server.filling import DAY_MS, fill, new_id


def test_an_action_expires_after_seven_days(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")

    async def scenario() -> None:
        def insert(connection: sqlite3.Connection) -> None:
            bulk_actions.insert(connection, "bulk_1", {}, total=0, last_seq=0, now_ms=1_000)
            bulk_actions.finish(connection, "bulk_1", 1_000)

        await store.run(insert)
        last_ms = 1_000 + 7 * DAY_MS
        listed = await store.run(
            lambda c: bulk_actions.page(c, cursor=None, limit=10, now_ms=last_ms)
        )
        assert [one.id for one in listed[0]] == ["bulk_1"]
        later = await store.run(
            lambda c: bulk_actions.page(c, cursor=None, limit=10, now_ms=last_ms + 1)
        )
        assert later == ([], "")
        with pytest.raises(ApiError, match="bulk_1 not found"):
            await store.run(lambda c: bulk_actions.get(c, "bulk_1", last_ms + 1))

    asyncio.run(scenario())
    store.close()


@contextmanager
def cancels(path: Path, *, wait_s: float) -> Iterator[tuple[asyncio.Runner, Store, BulkCancels]]:
    """Returns bulk cancels on a database, with an engine that is not started."""
    store = Store(path)
    with asyncio.Runner() as runner:

        async def made() -> tuple[Deliverer, BulkCancels]:
            clock, deliverer = ScaledClock(), Deliverer(())
            engine = Engine(store, clock, deliverer, new_id, max_concurrency=10)
            return deliverer, BulkCancels(store, engine, clock, new_id, wait_s=wait_s)

        deliverer, tested = runner.run(made())
        yield runner, store, tested
        runner.run(tested.stop())
        runner.run(deliverer.close())
    store.close()


def test_a_request_that_waited_too_long_gets_429_while_the_cancel_continues(tmp_path: Path) -> None:
    fill(tmp_path / "db", 2_000, "a")

    async def scenario(store: Store, tested: BulkCancels) -> None:
        with pytest.raises(ApiError, match="still cancelling in the background") as refused:
            await tested.finish({"label": ["a"]})
        assert refused.value.status == 429
        assert refused.value.headers == ()
        async with asyncio.timeout(30):
            while True:
                listed, _ = await store.run(
                    lambda c: bulk_actions.page(c, cursor=None, limit=1, now_ms=0)
                )
                if listed[0].completed_ms is not None:
                    break
        assert listed[0].processed == 2_000

    with cancels(tmp_path / "db", wait_s=0) as (runner, store, tested):
        runner.run(scenario(store, tested))


def test_more_than_a_thousand_actions_in_progress_are_refused(tmp_path: Path) -> None:
    async def scenario(tested: BulkCancels) -> None:
        filters = [{"label": [str(number)]} for number in range(1_001)]
        begun = [asyncio.create_task(tested.accept(one)) for one in filters]
        outcomes = await asyncio.gather(*begun, return_exceptions=True)

        assert not any(isinstance(one, BaseException) for one in outcomes[:-1])
        assert isinstance(outcomes[-1], ApiError)
        assert outcomes[-1].status == 412

    with cancels(tmp_path / "db", wait_s=60) as (runner, _, tested):
        runner.run(scenario(tested))

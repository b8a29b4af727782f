"""The scheduler while its clock is moved."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from qstash_cli.protocol.limits import UNLIMITED
from qstash_cli.server.clock import ManualClock
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.delivery.http_attempt import Deliverer
from qstash_cli.server.services import schedules
from qstash_cli.server.services.publish_rules import PublishRequest
from qstash_cli.server.services.scheduler import Scheduler
from qstash_cli.server.storage import keys
from qstash_cli.server.storage.schedules import next_due_ms
from qstash_cli.server.storage.store import Connection, Store

DAY_MS = 86_400_000
# The schedule is due every day at midnight.
DUE_MS = 20_000 * DAY_MS
DAILY = (("Upstash-Cron", "@daily"), ("Upstash-Schedule-Id", "s"))


async def fires_after_move(by_ms: int, pauses: int) -> tuple[list[int], int]:
    """Moves the clock when a schedule is due, after some turns of the event loop.

    Returns the times at which it has fired, and when it fires next.
    """
    clock, store, deliverer = ManualClock(DUE_MS - 1), Store(None), Deliverer(())
    numbers = itertools.count()

    def new_id(prefix: str) -> str:
        return f"{prefix}_{next(numbers)}"

    await store.run(lambda connection: keys.init(connection, "sig_1", "sig_2"))
    engine = Engine(store, clock, deliverer, new_id, max_concurrency=1)
    request = PublishRequest(
        destination="http://127.0.0.1:9", headers=DAILY, body=b"", caller_ip="::1",
        now_ms=clock.now_ms(),
    )  # fmt: skip
    await store.run(lambda connection: schedules.store_schedule(connection, request, new_id))
    scheduler = Scheduler(store, clock, engine, new_id, UNLIMITED)
    scheduler.start()
    await idle(scheduler)

    clock.set(DUE_MS)
    scheduler.changed()
    for _ in range(pauses):
        await asyncio.sleep(0)
    to_ms = DUE_MS + by_ms
    await scheduler.restart_from(to_ms, lambda: clock.set(to_ms))
    await idle(scheduler)

    def read(connection: Connection) -> tuple[list[int], int]:
        created = connection.execute("SELECT created_ms FROM messages").fetchall()
        return [time_ms for (time_ms,) in created], next_due_ms(connection) or 0

    found = await store.run(read)
    await scheduler.stop()
    await deliverer.close()
    store.close()
    return found


async def idle(scheduler: Scheduler) -> None:
    async with asyncio.timeout(30):
        while not scheduler.is_idle:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)


@pytest.mark.parametrize("by_ms", [-7 * DAY_MS, 7 * DAY_MS], ids=["back", "ahead"])
@pytest.mark.parametrize("pauses", range(12))
def test_a_schedule_fires_on_time_or_not_at_all_if_the_clock_is_moved_then(
    by_ms: int, pauses: int
) -> None:
    fired_ms, next_ms = asyncio.run(fires_after_move(by_ms, pauses))

    assert fired_ms in ([], [DUE_MS])
    assert next_ms == DUE_MS + by_ms + DAY_MS

"""A steady mixed load: nothing is lost, and memory does not grow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Dev
from tests.figures import Figures
from tests.trust import load
from tests.trust.conftest import client_of, resident_kb
from tests.trust.load import Load

LOAD = "server, load"
StartDev = Callable[..., Dev]
SCHEDULES = 5
# Room for a burst, and for the caches of SQLite and the allocator.
MOST_GROWTH_MB = 60


def dlq_messages(http: httpx.Client) -> set[str]:
    found: set[str] = set()
    cursor = ""
    while True:
        given = {"count": "100"} | ({"cursor": cursor} if cursor else {})
        page = http.get("/v2/dlq", params=given).json()
        found |= {entry["messageId"] for entry in page["messages"]}
        cursor = page.get("cursor", "")
        if not cursor:
            return found


def lost(http: httpx.Client, seen: Load) -> set[str]:
    """Returns accepted messages that were not delivered, or failed and are not in the DLQ."""
    failing = {message for message, kind in seen.accepted.items() if kind == "fail"}
    missing = set(seen.accepted) - seen.arrived
    return missing or failing - dlq_messages(http)


def schedule(http: httpx.Client, destination: str) -> None:
    for _ in range(SCHEDULES):
        every_minute = {"Upstash-Cron": "* * * * *"}
        http.post(f"/v2/schedules/{destination}/tick", headers=every_minute).raise_for_status()
    for number in range(5):
        http.post("/v2/queues", json={"queueName": f"queue{number}", "parallelism": 10})


def under_load(
    dev: Dev, figures: Figures, *, per_s: int, seconds: int, ticks: int
) -> tuple[Load, set[str], int]:
    """Returns the load, the lost messages, and the growth in MB after the first quarter."""
    sizes_kb: list[int] = []
    after_a_quarter = threading.Timer(seconds / 4, lambda: sizes_kb.append(resident_kb(dev)))
    with client_of(dev) as http:
        left: set[str] = set()

        def begin(destination: str) -> None:
            schedule(http, destination)
            after_a_quarter.start()

        def is_done(seen: Load) -> bool:
            nonlocal left
            left = lost(http, seen)
            return not left and seen.ticks >= ticks

        seen = asyncio.run(
            load.run(
                dev.url, per_s=per_s, seconds=seconds, begin=begin, is_done=is_done,
                within_s=60 + seconds,
            )
        )  # fmt: skip
        after_a_quarter.join()
        grown_mb = (resident_kb(dev) - sizes_kb[0]) // 1024
    figures(
        LOAD, cases=len(seen.accepted), failures=len(left) + seen.refused, per_s=f"{per_s}",
        p50_ms=f"{seen.slowest_ms(0.5):.1f}", p99_ms=f"{seen.slowest_ms(0.99):.1f}",
        fires=seen.ticks, grown_by_MB=f"{grown_mb}",
    )  # fmt: skip
    return seen, left, grown_mb


def test_a_mixed_load_loses_nothing(start_dev: StartDev, tmp_path: Path, figures: Figures) -> None:
    dev = start_dev("--port", "0", "--db", str(tmp_path / "db"), "--speed", "60")

    seen, left, grown_mb = under_load(dev, figures, per_s=60, seconds=4, ticks=SCHEDULES)

    assert len(seen.accepted) == 240
    assert (seen.refused, left) == (0, set())
    assert seen.ticks >= SCHEDULES
    assert grown_mb < MOST_GROWTH_MB


@pytest.mark.soak
def test_five_hundred_publishes_per_second_are_accepted_quickly_without_loss(
    start_dev: StartDev, tmp_path: Path, figures: Figures
) -> None:
    dev = start_dev("--port", "0", "--db", str(tmp_path / "db"), "--speed", "60")

    seen, left, grown_mb = under_load(dev, figures, per_s=500, seconds=60, ticks=30 * SCHEDULES)

    assert len(seen.accepted) == 30_000
    assert (seen.refused, left) == (0, set())
    assert seen.ticks >= 30 * SCHEDULES
    assert grown_mb < MOST_GROWTH_MB
    assert seen.slowest_ms(0.99) < 50

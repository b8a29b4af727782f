"""Jumps of the wall clock: suspend, a time change, a debugger."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.limits import UNLIMITED, PlanLimits
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.delivery.http_attempt import Deliverer
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services import publishing, schedules
from qstash_cli.server.services.publish_rules import PublishRequest
from qstash_cli.server.services.scheduler import Scheduler
from qstash_cli.server.storage import flow_limits, keys
from qstash_cli.server.storage.store import Store
from tests.e2e.conftest import Dev
from tests.figures import Figures
from tests.sink import Sink
from tests.trust.conftest import client_of, publish

JUMPS = "server, clock jumps"
BEGAN_MS = 1_800_000_000_000
HOUR_S = 3600
CHECK_EVERY_S = 0.005
# A message that waits for its time by the clock would arrive after an hour.
PROMPTLY_S = 60
IDS = itertools.count()


def new_id(prefix: str) -> str:
    return f"{prefix}_{next(IDS)}"


class JumpingClock:
    """A clock that advances only by jumps."""

    def __init__(self) -> None:
        self.at_ms = self.latest_ms = BEGAN_MS
        self.reads = 0

    def jump(self, seconds: float) -> None:
        self.at_ms += int(seconds * 1000)
        self.latest_ms = max(self.latest_ms, self.at_ms)

    def now_ms(self) -> int:
        self.reads += 1
        return self.at_ms

    def seconds_until(self, at_ms: int) -> float:
        return max(0.0, (at_ms - self.at_ms) / 1000)

    def now_s(self) -> float:
        return time.time()


class World:
    """An engine and a scheduler with a jumping clock, and their deliveries."""

    def __init__(self, store: Store, clock: JumpingClock, engine: Engine, url: str) -> None:
        self.store, self.clock, self.engine, self.url = store, clock, engine, url
        self.arrived: Counter[str] = Counter()
        self.due_ms: dict[str, int] = {}
        self.early: set[str] = set()

    async def respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Fails the first attempt of paths with `retry`; accepts everything else."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n" % self.status(head))
            writer.write(b"Connection: close\r\n\r\n")
        finally:
            writer.close()

    def status(self, head: str) -> bytes:
        (message_id,) = re.findall(r"(?im)^upstash-message-id: (\S+)", head)
        self.arrived[message_id] += 1
        if self.clock.latest_ms < self.due_ms.get(message_id, 0):
            self.early.add(message_id)
        fails = "/retry " in head and self.arrived[message_id] == 1
        if fails:
            self.due_ms[message_id] = self.clock.now_ms() + HOUR_S * 1000
        return b"500 No" if fails else b"200 OK"

    async def publish(self, path: str, *headers: tuple[str, str], queue: str | None = None) -> str:
        request = PublishRequest(
            destination=f"{self.url}/{path}", headers=headers, body=b"", caller_ip="::1",
            now_ms=self.clock.now_ms(), queue=queue,
        )  # fmt: skip
        result = await self.store.run(lambda c: publishing.store_publish(c, request, new_id))
        (stored,) = result.messages
        self.due_ms[stored.id] = stored.due_ms
        self.engine.add(result.messages)
        return stored.id

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Runs the server until the condition is true; fails if that takes too long."""
        give_up_at = time.monotonic() + PROMPTLY_S
        while not is_true():
            assert time.monotonic() < give_up_at, "it was not delivered"
            await asyncio.sleep(CHECK_EVERY_S)

    async def settle(self) -> None:
        """Waits until the server has read the clock and has delivered what is due."""
        await self.until(lambda: self.engine.is_idle)
        # An idle engine reads the clock only to see what is due, if anything is to come.
        seen, engine = self.clock.reads, self.engine
        await self.until(
            lambda: engine.is_idle and (engine.next_ms is None or self.clock.reads > seen)
        )


@contextlib.asynccontextmanager
async def world() -> AsyncIterator[World]:
    clock, store, deliverer = JumpingClock(), Store(None), Deliverer(())
    await store.run(lambda c: keys.init(c, "sig_1", "sig_2"))
    engine = Engine(
        store, clock, deliverer, new_id, max_concurrency=10, check_clock_every_s=CHECK_EVERY_S
    )
    made = World(store, clock, engine, "")
    async with await asyncio.start_server(made.respond, "127.0.0.1", 0) as server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await engine.start()
        try:
            yield made
        finally:
            await engine.stop()
            await deliverer.close()
            store.close()


RETRY: Headers = (("Upstash-Retries", "1"), ("Upstash-Retry-Delay", str(HOUR_S * 1000)))
RATE: Headers = (
    ("Upstash-Flow-Control-Key", "k"),
    ("Upstash-Flow-Control-Value", "rate=1,period=1h"),
)
ACTIONS = st.one_of(
    st.tuples(st.just("delay"), st.integers(0, 3 * HOUR_S)),
    st.tuples(st.sampled_from(["retry", "rate", "queue"]), st.just(0)),
    st.tuples(st.just("jump"), st.integers(-2 * HOUR_S, 4 * HOUR_S)),
)


async def run_actions(
    actions: list[tuple[str, int]],
) -> tuple[dict[str, int], dict[str, int], set[str]]:
    """Returns the expected and the actual number of deliveries of each message, and early ones."""
    async with world() as server:
        attempts: dict[str, int] = {}
        delayed: set[str] = set()
        for kind, seconds in actions:
            if kind == "jump":
                server.clock.jump(seconds)
            elif kind == "delay":
                message_id = await server.publish("delay", ("Upstash-Delay", f"{seconds}s"))
                delayed.add(message_id)
                attempts[message_id] = 1
            elif kind == "queue":
                attempts[await server.publish("queue", queue="q")] = 1
            elif kind == "retry":
                attempts[await server.publish("retry", *RETRY)] = 2
            else:
                attempts[await server.publish("rate", *RATE)] = 1
            due = {one for one in delayed if server.due_ms[one] <= server.clock.now_ms()}
            await server.until(lambda: due <= server.arrived.keys())  # noqa: B023 - awaited at once
        server.clock.jump((server.clock.latest_ms - server.clock.at_ms) / 1000 + 5 * HOUR_S)
        for _ in range(2 * len(attempts) + 2):
            # Each hour allows one message of the flow control key, and every retry.
            server.clock.jump(HOUR_S)
            await server.settle()

        return attempts, dict(server.arrived), server.early


def test_due_messages_are_delivered_once_and_never_early(figures: Figures) -> None:
    cases = 0

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.lists(ACTIONS, min_size=1, max_size=12))
    def check(actions: list[tuple[str, int]]) -> None:
        nonlocal cases
        cases += len(actions)
        expected, arrived, early = asyncio.run(run_actions(actions))
        assert arrived == expected, "a message was delivered twice, or a retry is missing"
        assert early == set()

    check()
    figures(JUMPS, cases=cases)


def test_a_rate_period_restarts_when_the_clock_is_set_back() -> None:
    async def live() -> None:
        async with world() as server:
            first, second = [await server.publish("rate", *RATE) for _ in range(2)]
            await server.until(lambda: server.arrived.keys() == {first})
            server.clock.jump(-24 * HOUR_S)
            await server.until(lambda: server.arrived.keys() == {first, second})
            third = await server.publish("rate", *RATE)
            await server.settle()
            assert third not in server.arrived
            server.clock.jump(HOUR_S)
            await server.until(lambda: third in server.arrived)

    asyncio.run(live())


def test_a_due_message_is_delivered_even_if_the_clock_is_set_back() -> None:
    async def live() -> None:
        async with world() as server:
            key = await server.store.run(lambda c: flow_limits.change(c, "k", {"is_paused": 1}))
            server.engine.set_flow(key)
            held = await server.publish("rate", *RATE)
            await server.settle()
            server.clock.jump(-24 * HOUR_S)
            key = await server.store.run(lambda c: flow_limits.change(c, "k", {"is_paused": 0}))
            server.engine.set_flow(key)
            await server.until(lambda: held in server.arrived)
            assert server.arrived[held] == 1

    asyncio.run(live())


def accept(store: Store, now_ms: int, limits: PlanLimits, *headers: tuple[str, str]) -> str:
    """Publishes a message at that time and returns its id."""
    request = PublishRequest(
        destination="http://127.0.0.1:9/", headers=headers, body=b"", caller_ip="::1",
        now_ms=now_ms, limits=limits,
    )  # fmt: skip
    result = asyncio.run(store.run(lambda c: publishing.store_publish(c, request, new_id)))
    return str(result.content["messageId"])


def test_setting_the_clock_back_does_not_extend_the_deduplication_window() -> None:
    store, day_before = Store(None), BEGAN_MS - 24 * HOUR_S * 1000
    dedup = ("Upstash-Deduplication-Id", "d")

    first = accept(store, BEGAN_MS, UNLIMITED, dedup)

    assert accept(store, day_before, UNLIMITED, dedup) == first
    assert accept(store, day_before + 599_000, UNLIMITED, dedup) == first
    assert accept(store, day_before + 600_000, UNLIMITED, dedup) != first
    store.close()


def test_messages_with_future_dates_do_not_count_towards_the_quota_of_today() -> None:
    store, limits = Store(None), UNLIMITED._replace(messages_per_day=1)
    accept(store, BEGAN_MS, limits)
    with pytest.raises(ApiError, match="daily message limit exceeded"):
        accept(store, BEGAN_MS + 1, limits)

    assert accept(store, BEGAN_MS - 24 * HOUR_S * 1000, limits)
    store.close()


EVERY_HOUR: Headers = (("Upstash-Cron", "0 * * * *"), ("Upstash-Schedule-Id", "hourly"))
HOUR_MS = HOUR_S * 1000


class ExpectedFires:
    """The documented rule: a skipped span fires once, and no time fires twice.

    Setting the clock back by more than three hours counts as a correction.
    """

    def __init__(self, now_ms: int, *, restarts: bool) -> None:
        self.count = 0
        self.began_ms = self.latest_ms = now_ms
        self.next_hour = now_ms // HOUR_MS + 1
        self.restarts = restarts
        self.fired_ms = 0

    def on_time(self, now_ms: int) -> None:
        hour = now_ms // HOUR_MS
        if now_ms < self.latest_ms - 3 * HOUR_MS:
            self.next_hour, self.latest_ms = min(self.next_hour, hour + 1), now_ms
        self.latest_ms = max(self.latest_ms, now_ms)
        if hour >= self.next_hour:
            self.count, self.next_hour, self.fired_ms = self.count + 1, hour + 1, now_ms
        if self.restarts:
            # After a restart, the last stored time is the only record of the past.
            self.latest_ms = max(self.began_ms, self.fired_ms)


async def run_schedule(jumps_s: list[int], *, restarts: bool) -> list[tuple[int, int]]:
    """Returns the expected and the actual number of fires after each jump."""
    counts: list[tuple[int, int]] = []
    async with world() as server:
        clock = JumpingClock()
        expected = ExpectedFires(clock.now_ms(), restarts=restarts)
        request = PublishRequest(
            destination=f"{server.url}/tick", headers=EVERY_HOUR, body=b"", caller_ip="::1",
            now_ms=clock.now_ms(),
        )  # fmt: skip
        await server.store.run(lambda c: schedules.store_schedule(c, request, new_id))

        def start() -> Scheduler:
            made = Scheduler(
                server.store,
                clock,
                server.engine,
                new_id,
                UNLIMITED,
                check_clock_every_s=CHECK_EVERY_S,
            )
            made.start()
            return made

        scheduler = start()
        for seconds in jumps_s:
            if restarts:
                await scheduler.stop()
            clock.jump(seconds)
            server.clock.jump(seconds)
            if restarts:
                scheduler = start()
            expected.on_time(clock.now_ms())
            seen = clock.reads
            await server.until(
                lambda: server.arrived.total() >= expected.count and clock.reads > seen + 2  # noqa: B023 - awaited at once
            )
            await server.settle()
            counts.append((expected.count, server.arrived.total()))
        await scheduler.stop()
    return counts


@pytest.mark.parametrize("restarts", [False, True])
def test_a_schedule_fires_once_for_a_skipped_span_and_no_time_twice(
    figures: Figures, *, restarts: bool
) -> None:
    cases = 0
    jump = st.one_of(st.integers(-10_000, 20_000), st.integers(-400_000, 400_000))

    @settings(max_examples=25, deadline=None, database=None)
    @example([365 * 24 * HOUR_S, -365 * 24 * HOUR_S, HOUR_S, HOUR_S])
    @given(st.lists(jump, min_size=1, max_size=8))
    def check(jumps_s: list[int]) -> None:
        nonlocal cases
        cases += len(jumps_s)
        for expected, fired in asyncio.run(run_schedule(jumps_s, restarts=restarts)):
            assert fired == expected

    check()
    figures(JUMPS, cases=cases)


# Replaces the program's clock by one that the test controls, in a subprocess.
SHIFTED_TIME = """
import os, time
real = time.time
def shifted():
    with open(os.environ["SHIFT_FILE"]) as file:
        return real() + float(file.read() or 0)
time.time = shifted
"""


def test_a_server_delivers_due_and_new_messages_after_a_clock_jump(
    start_dev: Callable[..., Dev],
    sink: Sink,
    tmp_path: Path,
    eventually: Callable[..., object],
    figures: Figures,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHIFTED_TIME)
    shift = tmp_path / "shift"
    shift.write_text("0")
    dev = start_dev(
        "--port", "0", before=("env", f"PYTHONPATH={tmp_path}", f"SHIFT_FILE={shift}")
    )  # fmt: skip
    with client_of(dev) as http:
        publish(http, f"{sink.url}/delayed", Upstash_Delay="1h")
        # It fires once within the jump, at a time that the test itself does not reach.
        daily = f"0 {(time.gmtime().tm_hour + 12) % 24} * * *"
        http.post(f"/v2/schedules/{sink.url}/tick", headers={"Upstash-Cron": daily})

        shift.write_text(str(25 * HOUR_S))
        jumped_at = time.monotonic()
        publish(http, f"{sink.url}/new")
        paths = {"/delayed", "/tick", "/new"}
        eventually(lambda: {r.path for r in sink.received} == paths, within_s=PROMPTLY_S)
        took_s = time.monotonic() - jumped_at

    figures(JUMPS, cases=3, slowest_s=f"{took_s:.2f}")
    assert len(sink.received) == 3

"""The order of deliveries: no limit is exceeded, and no message waits for limits of others."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qstash_cli.server.delivery.dispatch import (
    Dispatcher,
    PendingMessage,
    Start,
    host_of,
)
from qstash_cli.server.delivery.flow_control import Flow
from tests.figures import Figures

DISPATCH = "server, dispatch model"
HOSTS = ("a", "b", "c")
KEYS = (None, "k", "l")
ORDER = itertools.count()


def pending(host: str, flow: Flow | None = None) -> PendingMessage:
    number = next(ORDER)
    return PendingMessage(0, number, f"msg_{number}", host, flow)


def start_all(dispatcher: Dispatcher, now_ms: int = 0) -> list[Start]:
    return list(iter(lambda: dispatcher.start_next(now_ms), None))


class Dispatching(RuleBasedStateMachine):
    """Messages of several hosts and keys with a clock that jumps."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000_000
        self.flows: dict[str | None, Flow | None] = {None: None}
        self.waiting: dict[str, PendingMessage] = {}
        self.in_flight: list[Start] = []
        self.started: Counter[str] = Counter()
        self.starts_of: dict[str, list[int]] = {}

    @initialize(limit=st.integers(1, 12), data=st.data())
    def begin(self, limit: int, data: st.DataObject) -> None:
        self.limit = limit
        self.dispatcher = Dispatcher(limit)
        for key in KEYS[1:]:
            assert key is not None
            self.flows[key] = Flow(
                key,
                parallelism=data.draw(st.integers(0, 3)),
                rate=data.draw(st.integers(0, 3)),
                period_s=data.draw(st.integers(1, 20)),
            )
            self.starts_of[key] = []

    def step(self) -> None:
        """Does the work of the engine when it wakes up."""
        Dispatching.steps += 1
        self.dispatcher.open_periods(self.now_ms)
        while start := self.dispatcher.start_next(self.now_ms):
            self.on_start(start)

    def on_start(self, start: Start) -> None:
        message = start.pending
        active = sum(one.pending.host == message.host for one in self.in_flight)
        assert active < self.limit - len(self.in_flight), "a host took a place that others need"
        del self.waiting[message.message_id]
        self.started[message.message_id] += 1
        self.in_flight.append(start)
        flow = message.flow
        if flow is None:
            return
        of_flow = sum(one.pending.flow is flow for one in self.in_flight)
        assert flow.parallelism == 0 or of_flow <= flow.parallelism
        assert not flow.is_paused
        # After the clock was set back, a new period starts.
        begun = [at for at in self.starts_of[flow.key] if flow.started_ms <= at <= self.now_ms]
        self.starts_of[flow.key] = [*begun, self.now_ms]
        assert flow.started_ms <= self.now_ms < flow.opens_ms
        assert flow.rate == 0 or len(self.starts_of[flow.key]) <= flow.rate

    @rule(host=st.sampled_from(HOSTS), key=st.sampled_from(KEYS), count=st.integers(1, 8))
    def add(self, host: str, key: str | None, count: int) -> None:
        for _ in range(count):
            message = pending(host, self.flows[key])
            self.waiting[message.message_id] = message
            self.dispatcher.add(message)
        self.step()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        message_id = data.draw(st.sampled_from(list(self.waiting)))
        del self.waiting[message_id]
        self.dispatcher.remove([message_id])
        self.step()

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        ended = self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
        self.dispatcher.end(ended.lane)
        self.step()

    @rule(jump_s=st.integers(-100, 100))
    def clock_jumps(self, jump_s: int) -> None:
        self.now_ms += jump_s * 1000
        if jump_s < 0:
            self.dispatcher.clock_was_set_back()
        self.step()

    @rule(key=st.sampled_from(KEYS[1:]), is_paused=st.booleans(), parallelism=st.integers(0, 3))
    def limits_change(self, key: str, *, is_paused: bool, parallelism: int) -> None:
        flow = self.flows[key]
        assert flow is not None
        in_flight = sum(one.pending.flow is flow for one in self.in_flight)
        flow.is_paused, flow.parallelism = is_paused, max(parallelism, in_flight)
        self.dispatcher.recheck(flow)
        self.step()

    @invariant()
    def no_message_waits_that_may_start(self) -> None:
        if not hasattr(self, "dispatcher"):
            return
        free = self.limit - len(self.in_flight)
        active = Counter(one.pending.host for one in self.in_flight)
        for message in self.waiting.values():
            is_host_full = active[message.host] >= free
            is_flow_full = message.flow is not None and not message.flow.admits(self.now_ms)
            assert is_host_full or is_flow_full
        for flow in self.flows.values():
            if flow is not None:
                assert flow.waiting == sum(one.flow is flow for one in self.waiting.values())

    def teardown(self) -> None:
        if not hasattr(self, "dispatcher"):
            return
        for flow in self.flows.values():
            if flow is not None:
                flow.is_paused = False
                self.dispatcher.recheck(flow)
        self.step()
        while self.waiting:
            before = len(self.waiting), len(self.in_flight)
            while self.in_flight:
                self.dispatcher.end(self.in_flight.pop().lane)
            self.now_ms = max(self.now_ms, self.dispatcher.next_opening_ms or 0)
            self.step()
            assert (len(self.waiting), len(self.in_flight)) != before, "messages wait forever"
        assert all(count == 1 for count in self.started.values())


def assert_limits_are_obeyed(figures: Figures, runs: int) -> None:
    Dispatching.steps = 0
    run_state_machine_as_test(
        Dispatching,
        settings=settings(
            max_examples=runs, stateful_step_count=40, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    figures(DISPATCH, cases=Dispatching.steps)


def test_no_limit_is_exceeded_and_no_message_waits_without_a_reason(figures: Figures) -> None:
    assert_limits_are_obeyed(figures, 300)


@pytest.mark.soak
def test_no_limit_is_exceeded_in_many_more_runs(figures: Figures) -> None:
    assert_limits_are_obeyed(figures, 10_000)


def test_a_host_takes_half_of_the_free_places_and_the_next_one_half_of_the_rest() -> None:
    dispatcher = Dispatcher(100)
    started: list[str] = []
    for host in ("a", "b", "c", "d", "e", "f", "g"):
        for _ in range(200):
            dispatcher.add(pending(host))
        started += [start.pending.host for start in start_all(dispatcher)]

    assert list(Counter(started).values()) == [50, 25, 13, 6, 3, 2, 1]


def test_a_host_that_never_responds_leaves_a_place_even_of_two() -> None:
    dispatcher = Dispatcher(2)
    for _ in range(150):
        dispatcher.add(pending("dead"))
    dead = start_all(dispatcher)

    dispatcher.add(pending("alive"))

    assert len(dead) == 1
    assert [start.pending.host for start in start_all(dispatcher)] == ["alive"]


def test_each_period_of_a_rate_is_awaited_while_messages_of_several_hosts_wait() -> None:
    dispatcher, flow = Dispatcher(100), Flow("k", rate=1, period_s=1)
    for host in ("a", "b", "c"):
        dispatcher.add(pending(host, flow))

    started = []
    for second in range(3):
        dispatcher.open_periods(second * 1000)
        started += [start.pending.host for start in start_all(dispatcher, second * 1000)]

    assert started == ["a", "b", "c"]
    assert dispatcher.next_opening_ms is None


def test_messages_of_a_host_start_in_the_order_in_which_they_became_due() -> None:
    dispatcher, flow = Dispatcher(100), Flow("k", parallelism=1)
    messages = [pending("a", random.Random(n).choice([None, flow])) for n in range(60)]  # noqa: S311
    for message in messages:
        dispatcher.add(message)
    started: list[Start] = []
    while batch := start_all(dispatcher):
        started += batch
        for start in batch:
            dispatcher.end(start.lane)

    for key in (None, flow):
        expected = [m.message_id for m in messages if m.flow is key]
        assert [s.pending.message_id for s in started if s.pending.flow is key] == expected


def test_finished_messages_leave_no_data_behind() -> None:
    dispatcher = Dispatcher(10)
    for number in range(500):
        dispatcher.add(pending(f"host{number}", Flow(f"k{number}", parallelism=1)))
        for start in start_all(dispatcher):
            dispatcher.end(start.lane)

    assert (dispatcher._hosts, dispatcher._lanes, dispatcher._lane_of) == ({}, {}, {})
    assert (dispatcher._ready, dispatcher._full_hosts) == ([], {})


def test_a_host_is_identified_by_name_and_port_however_the_url_is_written() -> None:
    same = ("http://user@Example.com/a", "http://example.com:80/b?c", "HTTP://EXAMPLE.com")
    assert {host_of(url) for url in same} == {"example.com:80"}
    assert host_of("https://example.com/") == "example.com:443"
    assert host_of("http://example.com:8080/") == "example.com:8080"
    assert host_of("http://[::1") == "http://[::1"
    assert host_of("http://example.com:port/") == "http://example.com:port/"

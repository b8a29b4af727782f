"""Waiting for a queue uses only the states of messages and QStash's own times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from qstash_cli.commands.queue.draining import Watched, wait_for_idle, wait_for_lag
from qstash_cli.errors import WaitTimedOut
from qstash_cli.protocol.records import LogEntry, Queue
from qstash_cli.protocol.states import LOG_LAG_MS

# Far from this machine's time, which must not matter.
T = 5_000_000
Poll = tuple[int, list[LogEntry]]


def entry(name: str, state: str, time: int = T) -> LogEntry:
    return cast("LogEntry", {"time": time, "messageId": name, "state": state})


@dataclass
class FakeQueue:
    """A queue whose lag and log change with each poll, and whose last state remains.

    The clock advances with each sleep.
    """

    polls: list[Poll]
    is_paused: bool = False
    lag: int = 0
    clock_s: float = 0
    log: list[LogEntry] = field(default_factory=list)
    asked_ms: list[int] = field(default_factory=list)
    slept_s: list[float] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)

    def read(self) -> Queue:
        new: list[LogEntry] = []
        if self.polls:
            self.lag, new = self.polls.pop(0)
        # Newest first.
        self.log = sorted([*reversed(new), *self.log], key=lambda one: -one["time"])
        return cast("Queue", {"name": "orders", "lag": self.lag, "paused": self.is_paused})

    def since(self, start_ms: int) -> Iterator[LogEntry]:
        self.asked_ms.append(start_ms)
        return iter([one for one in self.log if one["time"] >= start_ms])

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.clock_s += seconds

    def watched(self) -> Watched:
        return Watched(
            name="orders",
            read=self.read,
            since=self.since,
            now=lambda: self.clock_s,
            sleep=self.sleep,
            report=self.reported.append,
        )


def idle_after(fake: FakeQueue) -> int:
    """Returns the number of polls until the queue is idle."""
    wait_for_idle(fake.watched(), 60)
    return len(fake.asked_ms)


@pytest.mark.parametrize("state", ["ACTIVE", "ERROR", "RETRY"])
@pytest.mark.parametrize("is_paused", [True, False])
def test_messages_in_flight_are_waited_for(state: str, is_paused: bool) -> None:
    started = [entry("m", "CREATED"), entry("m", state)]
    fake = FakeQueue([(1, started), (1, []), (0, [entry("m", "DELIVERED")])], is_paused=is_paused)

    assert idle_after(fake) == 3


@pytest.mark.parametrize(("is_paused", "polls"), [(True, 1), (False, 2)])
def test_waiting_messages_are_waited_for_unless_the_queue_is_paused(
    is_paused: bool, polls: int
) -> None:
    ends = [entry("m", "ACTIVE"), entry("m", "DELIVERED")]
    fake = FakeQueue([(1, [entry("m", "CREATED")]), (0, ends)], is_paused=is_paused)

    assert idle_after(fake) == polls


def test_the_lag_counts_messages_missing_in_the_log() -> None:
    assert idle_after(FakeQueue([(2, []), (1, []), (0, [])])) == 3


def test_the_log_counts_messages_missing_in_the_lag() -> None:
    end = [entry("m", "CANCELED")]

    assert idle_after(FakeQueue([(0, [entry("m", "CREATED")]), (0, end)])) == 2


def test_the_whole_log_is_read_once_and_then_only_new_entries() -> None:
    old, new = T - 10 * LOG_LAG_MS, T + 2 * LOG_LAG_MS
    fake = FakeQueue(
        [
            (2, [entry("old", "ACTIVE", old), entry("m", "ACTIVE")]),
            (1, [entry("old", "DELIVERED", T + 1)]),
            (1, []),
            (0, [entry("m", "FAILED", new)]),
        ]
    )

    assert idle_after(fake) == 4
    assert fake.asked_ms == [0, T - LOG_LAG_MS, T + 1 - LOG_LAG_MS, T + 1 - LOG_LAG_MS]


def test_a_late_entry_does_not_replace_a_newer_state() -> None:
    fake = FakeQueue(
        [
            (1, [entry("m", "DELIVERED", T + 5)]),
            (1, [entry("m", "ACTIVE", T)]),
            (0, [entry("m", "CREATED", T - LOG_LAG_MS + 6)]),
        ]
    )

    assert idle_after(fake) == 3


def test_entries_of_the_same_millisecond_may_have_any_order() -> None:
    fake = FakeQueue([(0, [entry("m", "DELIVERED"), entry("m", "ACTIVE"), entry("m", "CREATED")])])

    assert idle_after(fake) == 1


def test_the_last_attempt_of_a_cancelled_message_is_not_waited_for() -> None:
    late = T + 3 * LOG_LAG_MS
    fake = FakeQueue(
        [
            (1, [entry("m", "ACTIVE"), entry("m", "CANCEL_REQUESTED", T + 1)]),
            (1, [entry("m", "CANCELLED", T + 2), entry("other", "ACTIVE", T + 2)]),
            (0, [entry("m", "ERROR", late), entry("other", "DELIVERED", late)]),
        ]
    )

    assert idle_after(fake) == 3
    assert fake.reported == [
        "orders has 1 in flight and 0 waiting, 0s", "orders has 1 in flight and 0 waiting, 0s"
    ]  # fmt: skip


def test_pauses_between_polls_grow_until_the_timeout() -> None:
    fake = FakeQueue([(3, [entry("m", "CREATED"), entry("m", "ACTIVE")])])

    with pytest.raises(WaitTimedOut) as raised:
        wait_for_idle(fake.watched(), 30)

    assert fake.slept_s[:3] == pytest.approx([0.1, 0.15, 0.225])
    assert max(fake.slept_s) == 2
    assert fake.clock_s == pytest.approx(30)
    assert raised.value.message == "queue orders has 1 in flight and 2 waiting after 30s"
    assert raised.value.hint == "`qstash queue wait orders --idle` continues to wait"


def test_the_lag_is_waited_for_without_the_log() -> None:
    fake = FakeQueue([(12, []), (11, []), (10, []), (9, [])])

    assert wait_for_lag(fake.watched(), 10, 60)["lag"] == 10
    assert (fake.asked_ms, len(fake.slept_s)) == ([], 2)


def test_a_lag_that_remains_is_reported() -> None:
    with pytest.raises(WaitTimedOut) as raised:
        wait_for_lag(FakeQueue([(12, [])]).watched(), 10, 1)

    assert raised.value.message == "queue orders has a lag of 12 after 1s"
    assert raised.value.hint == "`qstash queue wait orders --lag 10` continues to wait"

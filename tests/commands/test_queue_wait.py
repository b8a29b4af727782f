"""`queue wait` with the embedded server and a destination that delays its response."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from tests.in_process import Qstash, Run
from tests.stopping import stopped_later


@dataclass
class Held:
    """A destination that responds once it is released."""

    endpoint: LocalEndpoint = field(default_factory=lambda: LocalEndpoint(""))
    may_respond: threading.Event = field(default_factory=threading.Event)

    def respond(self, _request: Received) -> tuple[int, bytes]:
        self.may_respond.wait(60)
        return 200, b"ok"


@pytest.fixture
def held(local: Qstash, eventually: Callable[..., object]) -> Iterator[Held]:
    """The destination of two messages in a queue: one in flight, one waiting."""
    made = Held()
    with stopped_later(running_endpoint(made.respond)) as made.endpoint:
        try:
            local("queue", "set", "orders", "--parallelism", "1")
            for _ in range(2):
                assert local("publish", made.endpoint.url, "--queue", "orders").code == 0
            eventually(lambda: made.endpoint.received)
            yield made
        finally:
            made.may_respond.set()


def waited(local: Qstash, held: Held, *flags: str, tty: bool = False) -> Run:
    """Runs `queue wait`, and releases the destination during the first pause."""
    release = replace(local, sleep=lambda _seconds: held.may_respond.set())
    return release("queue", "wait", "orders", *flags, tty=tty)


def test_a_queue_is_idle_when_all_its_messages_are_delivered(local: Qstash, held: Held) -> None:
    run = waited(local, held, "--idle")

    assert (run.code, run.out, run.err) == (0, "orders\n", "")
    assert len(held.endpoint.received) == 2
    assert local("queue", "get", "orders", "--query", "lag").json == 0


def test_a_paused_queue_is_idle_when_no_message_is_in_flight(local: Qstash, held: Held) -> None:
    local("queue", "pause", "orders")
    late = local("queue", "wait", "orders", "--idle", "--wait-timeout", "0")

    run = waited(local, held, "--idle", "-o", "json")

    assert late.code == 124
    assert (run.code, len(held.endpoint.received)) == (0, 1)
    assert (run.json["name"], run.json["lag"], run.json["paused"]) == ("orders", 1, True)


def test_the_lag_of_a_queue_is_waited_for(local: Qstash, held: Held) -> None:
    assert local("queue", "wait", "orders", "--lag", "2").code == 0
    late = local("queue", "wait", "orders", "--lag", "1", "--wait-timeout", "0")

    run = waited(local, held, "--lag", "0")

    assert (late.code, late.out) == (124, "")
    assert late.err.splitlines() == [
        "error: queue orders has a lag of 2 after 0s",
        "hint: `qstash queue wait orders --lag 1` continues to wait",
    ]
    assert (run.code, run.out) == (0, "orders\n")


def test_a_timeout_reports_the_remaining_messages(local: Qstash, held: Held) -> None:  # noqa: ARG001 - makes it
    run = local("queue", "wait", "orders", "--idle", "--wait-timeout", "0")

    assert (run.code, run.out) == (124, "")
    assert run.err.splitlines() == [
        "error: queue orders has 1 in flight and 1 waiting after 0s",
        "hint: `qstash queue wait orders --idle` continues to wait",
    ]


def test_a_terminal_displays_the_progress(local: Qstash, held: Held) -> None:
    run = waited(local, held, "--idle", tty=True)

    assert run.out == "orders\n"
    assert re.search(r"orders has \d in flight and \d waiting, \d+s", run.err)


def test_messages_of_other_queues_are_not_waited_for(local: Qstash, held: Held) -> None:
    local("queue", "set", "mails")

    assert local("queue", "wait", "mails", "--idle", "--wait-timeout", "0").code == 0
    assert not held.may_respond.is_set()


@pytest.mark.parametrize(
    "flags", [(), ("--idle", "--lag", "1"), ("--lag", "-1"), ("--idle", "--wait-timeout", "soon")]
)
def test_exactly_one_condition_is_required(qstash: Qstash, flags: tuple[str, ...]) -> None:
    run = qstash("queue", "wait", "orders", *flags, QSTASH_TOKEN="t")

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("error: ")


@pytest.mark.parametrize("flags", [("--idle",), ("--lag", "0")])
def test_an_unknown_queue_is_not_found(local: Qstash, flags: tuple[str, ...]) -> None:
    assert local("queue", "wait", "nobody", *flags).code == 4
    assert "/v2/queues/nobody" in local("queue", "wait", "nobody", *flags, "--dry-run").out

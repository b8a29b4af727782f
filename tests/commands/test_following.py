"""`logs --follow` yields every entry once, despite late entries, full pages and errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.commands.logs.follow import Log, follow
from qstash_cli.errors import BadCredentials, QstashError, RateLimited, Unreachable
from qstash_cli.protocol.records import LogEntry
from qstash_cli.protocol.states import LOG_LAG_MS
from tests.faults import Proxy, running_proxy
from tests.in_process import Qstash


class Ended(Exception):
    """Ends the test after its last poll."""


def entry(number: int, time: int) -> LogEntry:
    return cast("LogEntry", {"time": time, "messageId": f"msg_{number}", "state": "CREATED"})


@dataclass
class FakeLog:
    """A log whose entries appear with each poll; some polls are errors."""

    polls: list[Sequence[LogEntry] | QstashError]
    there: list[LogEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    slept_s: list[float] = field(default_factory=list)

    def since(self, start_ms: int) -> list[LogEntry]:
        if not self.polls:
            raise Ended
        poll = self.polls.pop(0)
        if isinstance(poll, QstashError):
            raise poll
        self.there += poll
        found = [one for one in self.there if one["time"] >= start_ms]
        return sorted(found, key=lambda one: -one["time"])

    def newest_ms(self) -> int:
        return max((one["time"] for one in self.there), default=0)

    def log(self) -> Log:
        return Log(
            since=self.since,
            newest_ms=self.newest_ms,
            sleep=self.slept_s.append,
            note=self.notes.append,
        )


def shown(fake: FakeLog, since_ms: int | None = 0) -> list[str]:
    def until_the_end() -> Iterator[str]:
        try:
            for one in follow(fake.log(), since_ms):
                yield one["messageId"]
        except Ended:
            return

    return list(until_the_end())


@given(st.lists(st.lists(st.tuples(st.integers(0, 50), st.integers(0, LOG_LAG_MS)), max_size=20)))
def test_every_entry_is_yielded_once_however_late_it_is(
    polls: list[list[tuple[int, int]]],
) -> None:
    # Each poll is a minute later than the previous one, and its entries are late by up to the lag.
    numbers = iter(range(10_000))
    made = [
        [entry(next(numbers), 60_000 + minute * 1000 - late + jump) for jump, late in poll]
        for minute, poll in enumerate(polls)
    ]
    newest = 0
    kept: list[Sequence[LogEntry]] = []
    for poll in made:
        newest = max([newest, *(one["time"] for one in poll)])
        kept.append([one for one in poll if one["time"] >= newest - LOG_LAG_MS])
    fake = FakeLog(polls=[*kept, []])

    found = shown(fake)

    assert sorted(found) == sorted(one["messageId"] for poll in kept for one in poll)


def test_without_a_start_time_only_new_entries_by_qstashs_clock_are_yielded() -> None:
    old = [entry(n, 5_000_000 - n) for n in range(3000)]
    fake = FakeLog(polls=[[], [entry(9001, 5_000_000)], [entry(9002, 4_999_000)]], there=old)

    assert shown(fake, None) == ["msg_9001", "msg_9002"]


def test_errors_are_reported_once_and_retried_with_growing_pauses() -> None:
    faults: list[Sequence[LogEntry] | QstashError] = [
        Unreachable("no server"),
        QstashError("on purpose", status=500),
        RateLimited("too many requests", status=429),
    ]
    fake = FakeLog(polls=[[entry(1, 1000)], *faults, [entry(2, 1001)], []])

    assert shown(fake) == ["msg_1", "msg_2"]
    assert fake.notes == [
        "no server; retrying until it responds",
        "it responds again; nothing was missed",
    ]
    assert fake.slept_s[:4] == [1, 1, 2, 4]


@pytest.mark.parametrize("at_first", [True, False])
def test_a_rejected_token_ends_the_command(at_first: bool) -> None:
    refused = BadCredentials("no")
    fake = FakeLog(polls=[refused] if at_first else [[], refused])

    with pytest.raises(BadCredentials):
        shown(fake)


def test_an_error_of_the_first_request_is_not_retried() -> None:
    with pytest.raises(Unreachable):
        shown(FakeLog(polls=[Unreachable("no server")]))


def test_an_outage_neither_repeats_nor_loses_entries_of_the_server(local: Qstash) -> None:
    published = 0

    def publish(count: int) -> None:
        nonlocal published
        published += count
        body = "\n".join(f'{{"n":{n}}}' for n in range(count)).encode()
        run = local("batch", "-", "--to", "https://example.com", "--delay", "1d", stdin=body)
        assert run.json["sent"] == count

    faults = {7: "cut before", 8: "refused with 503", 9: "refused with 500"}
    proxy = Proxy(local.env["QSTASH_URL"], lambda number: faults.get(number, ""))
    with running_proxy(proxy):
        from qstash_cli.client.api import logs as api
        from qstash_cli.client.api.filters import Filter
        from qstash_cli.client.client import Client, ClientConfig

        sleeps: list[float] = []
        config = ClientConfig(now=lambda: 0.0, sleep=sleeps.append)
        client = Client(proxy.url, local.env["QSTASH_TOKEN"], is_local=True, config=config)
        notes: list[str] = []
        log = Log(
            since=lambda ms: list(client.pages(api.entries(Filter(from_ms=ms)))),
            newest_ms=lambda: 0,
            sleep=lambda _s: publish(1200) if published < 6000 else None,
            note=notes.append,
        )
        publish(1500)
        entries = list(islice(follow(log, 0), 6000))
        client.close()

    assert len({one["messageId"] for one in entries}) == 6000
    assert len(notes) == 2

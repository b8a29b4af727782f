"""A local QStash for tests: its variables, its clock, and assertions about its deliveries."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from qstash_cli.client.api import dlq, local_server, logs
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.client import Client, ClientConfig
from qstash_cli.commands.common.variable_lines import server_variables
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from qstash_cli.testing import failures
from qstash_cli.testing.deliveries import (
    Delivery,
    ExpectedBody,
    LoggedMessage,
    delivery_of,
    matches_body,
    matches_url,
    messages_of,
)

if TYPE_CHECKING:
    import pytest

    from qstash_cli.client.api.local_server import ClockState
    from qstash_cli.protocol.records import DlqEntry


class ScheduleRun(NamedTuple):
    """A message that a schedule published."""

    schedule_id: str
    message_id: str
    url: str
    at: datetime


class LocalQStash:
    """A server on a free port, whose clock stands still unless a test moves it.

    Messages without a delay are delivered at once. Delays, retries and schedules wait for the
    clock. Signatures contain the time of the system, since receivers compare it.
    """

    def __init__(self, url: str, client: Client) -> None:
        self.url = url
        self.token = DEV_USER.token
        self.current_signing_key = DEV_USER.current_signing_key
        self.next_signing_key = DEV_USER.next_signing_key
        self._client = client

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables that the official SDKs read."""
        return server_variables(self.url, DEV_USER)

    @property
    def now(self) -> datetime:
        """The time of the server's clock, in UTC."""
        return _datetime(self._clock()["time"])

    def reset(self) -> None:
        """Removes all data. The clock starts at the system's time again."""
        self._client.send(local_server.reset())

    def advance(self, duration: str) -> None:
        """Moves the clock forward by a duration such as `1h30m`.

        Everything that is due on the way happens in order, and has ended when the method returns.
        Raises `AssertionError` if an endpoint keeps a delivery waiting.
        """
        __tracebackhide__ = True
        self._move(advance=duration)

    def run_schedules(self, day: str | date, time_zone: str = "UTC") -> list[ScheduleRun]:
        """Runs all schedules for one day of a time zone, and returns their runs in order.

        The clock jumps to the start of the day, which may be in the past, and moves to its end.
        """
        __tracebackhide__ = True
        start = datetime.combine(
            date.fromisoformat(day) if isinstance(day, str) else day,
            datetime.min.time(),
            ZoneInfo(time_zone),
        )
        from_ms, to_ms = _milliseconds(start), _milliseconds(start + timedelta(days=1))
        # A schedule for midnight is due at the start of the day.
        self._move(set=from_ms - 1, skip=True)
        known = {one.message_id for one in self._messages()}
        self._move(set=to_ms - 1)
        return [
            ScheduleRun(
                schedule_id=str(one.entries[-1].get("scheduleId")),
                message_id=one.message_id,
                url=one.url,
                at=_datetime(one.history.created_at_ms or 0),
            )
            for one in self._messages()
            if one.message_id not in known and one.entries[-1].get("scheduleId")
        ]

    def assert_delivered(
        self,
        url: str | None = None,
        body: ExpectedBody = None,
        times: int | None = None,
        within: str | None = None,
    ) -> list[Delivery]:
        """Asserts that messages were delivered, and returns them in order of publishing.

        `url` is a URL, or a path such as `/orders`. `body` is a text, bytes, or a value for JSON.
        `times` is the exact number of messages; without it, at least one. `within` moves the clock
        forward first, such as by `1h`.
        """
        __tracebackhide__ = True
        messages = self._messages_after(within)
        found = _matching(messages, url, body)
        if times is None and not found:
            expected = "Expected a delivery"
        elif times is not None and len(found) != times:
            number = "1 delivery" if times == 1 else f"{times} deliveries"
            expected = f"Expected {number}"
        else:
            return [delivery_of(one) for one in found]
        expected = f"{expected}{failures.describe(url, body)}, but {failures.there_were(found)}."
        raise self._failure(expected, url, messages)

    def assert_not_delivered(
        self, url: str | None = None, body: ExpectedBody = None, within: str | None = None
    ) -> None:
        """Asserts that no message was delivered; see `assert_delivered`."""
        __tracebackhide__ = True
        messages = self._messages_after(within)
        if found := _matching(messages, url, body):
            expected = f"Expected no delivery{failures.describe(url, body)}"
            expected = f"{expected}, but {failures.there_were(found)}."
            raise self._failure(expected, url, messages)

    def dlq(self) -> list[DlqEntry]:
        """Returns the entries of the dead letter queue, newest first, under QStash's names."""
        self._settle()
        return list(self._client.pages(dlq.entries(Filter())))

    def _messages_after(self, within: str | None) -> list[LoggedMessage]:
        __tracebackhide__ = True
        if within is None:
            self._settle()
        else:
            self._move(advance=within)
        return self._messages()

    def _messages(self) -> list[LoggedMessage]:
        return messages_of(self._client.pages(logs.entries(Filter())))

    def _settle(self) -> None:
        __tracebackhide__ = True
        self._move(settle=True)

    def _move(self, **actions: object) -> None:
        __tracebackhide__ = True
        state = self._clock(**actions)
        if not state.get("settled") or state["time"] < state.get("target", 0):
            raise AssertionError(
                f"The clock stopped at {_datetime(state['time']):%Y-%m-%d %H:%M:%S} UTC, since a "
                "delivery has not ended. Does the endpoint wait for something?"
            )

    def _clock(self, **actions: object) -> ClockState:
        return self._client.send(local_server.clock(**actions))

    def _failure(
        self, expected: str, url: str | None, messages: Sequence[LoggedMessage]
    ) -> AssertionError:
        return AssertionError(failures.explain(expected, url, messages, self._clock()["time"]))


def _matching(
    messages: Sequence[LoggedMessage], url: str | None, body: ExpectedBody
) -> list[LoggedMessage]:
    return [
        one
        for one in messages
        if one.is_delivered and matches_url(one, url) and matches_body(one, body)
    ]


@contextlib.contextmanager
def running_qstash() -> Iterator[LocalQStash]:
    """Runs a server in a thread, on a free port."""
    with running_server(ServerConfig(port=0, speed=0)) as url:
        config = ClientConfig(now=time.time, sleep=time.sleep)
        with contextlib.closing(
            Client(url, DEV_USER.token, is_local=True, config=config)
        ) as client:
            yield LocalQStash(url, client)


def set_variables(server: LocalQStash, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets the variables of a server, and removes the other ones of QStash."""
    for name in [name for name in os.environ if name.startswith("QSTASH_")]:
        monkeypatch.delenv(name)
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)


def _datetime(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)

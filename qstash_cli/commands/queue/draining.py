"""Waits until a queue is idle or its lag is low, by QStash's own times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qstash_cli.cli.polling import Deadline, Pending, poll
from qstash_cli.errors import WaitTimedOut
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.states import ENDS, LOG_LAG_MS, normal_state

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry, Queue

# QStash's filter calls these states IN_PROGRESS.
_IN_FLIGHT = frozenset({"ACTIVE", "ERROR", "RETRY"})


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A queue to wait for.

    `read` returns its current record, `since(ms)` its log entries from that time on, newest first.
    `now` is in seconds, `sleep` takes seconds, and `report` displays the progress.
    """

    name: str
    read: Callable[[], Queue]
    since: Callable[[int], Iterable[LogEntry]]
    now: Callable[[], float]
    sleep: Callable[[float], None]
    report: Callable[[str], None]


def wait_for_lag(queue: Watched, limit: int, timeout_s: int) -> Queue:
    """Returns the queue once its lag is within the limit. Raises `WaitTimedOut`."""

    def terminal() -> tuple[Queue, bool, str]:
        record = queue.read()
        return record, record["lag"] <= limit, f"has a lag of {record['lag']}"

    return _poll(queue, terminal, timeout_s, f"--lag {limit}")


def wait_for_idle(queue: Watched, timeout_s: int) -> Queue:
    """Returns the queue once it has no messages in flight and, unless it is paused, none waiting.

    Raises `WaitTimedOut`.
    """
    states = _States(queue.since)

    def terminal() -> tuple[Queue, bool, str]:
        # Read the record first: messages published between the two requests then appear in the log.
        record = queue.read()
        states.update()
        in_flight, waiting = states.count(_IN_FLIGHT), states.count(frozenset({"CREATED"}))
        # The log may not have every waiting message yet, and the lag includes those in flight.
        waiting = max(waiting, record["lag"] - in_flight)
        is_idle = not in_flight and (record["paused"] or not waiting)
        # Messages that ended in the meantime are no longer in the lag.
        record = queue.read() if is_idle else record
        return record, is_idle, f"has {in_flight} in flight and {waiting} waiting"

    return _poll(queue, terminal, timeout_s, "--idle")


def _poll(
    queue: Watched, terminal: Callable[[], tuple[Queue, bool, str]], timeout_s: int, flags: str
) -> Queue:
    deadline = Deadline(queue, timeout_s)
    state = ""

    def attempt() -> Queue | Pending:
        nonlocal state
        record, is_done, state = terminal()
        if is_done:
            return record
        return Pending(f"{queue.name} {state}, {deadline.elapsed_s():.0f}s")

    def timed_out() -> WaitTimedOut:
        return WaitTimedOut(
            f"queue {queue.name} {state} after {format_duration(timeout_s)}",
            hint=f"`qstash queue wait {queue.name} {flags}` continues to wait",
        )

    return poll(attempt, deadline, report=queue.report, timed_out=timed_out)


class _States:
    """The last state of each message in the log.

    Final states do not change: an attempt in flight still adds an entry after its message was
    cancelled.
    """

    def __init__(self, since: Callable[[int], Iterable[LogEntry]]) -> None:
        self._since = since
        self._newest_ms = 0
        self._states: dict[str, str] = {}

    def count(self, of_states: frozenset[str]) -> int:
        """Counts the messages in these states."""
        return sum(state in of_states for state in self._states.values())

    def update(self) -> None:
        """Reads new entries. An entry may appear some time after its own timestamp."""
        found: dict[str, str] = {}
        for entry in self._since(max(self._newest_ms - LOG_LAG_MS, 0)):
            self._newest_ms = max(self._newest_ms, entry["time"])
            message_id, state = entry["messageId"], normal_state(entry["state"])
            # If only the cancellation was requested, the message may still be in flight.
            if state != "CANCEL_REQUESTED" and (message_id not in found or state in ENDS):
                found[message_id] = state
        for message_id, state in found.items():
            if self._states.get(message_id) not in ENDS:
                self._states[message_id] = state

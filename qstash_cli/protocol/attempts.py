"""The deliveries of one message, from its log entries. Source: QStash docs, "Logs".

Each attempt is an ACTIVE entry and the entry of its result: DELIVERED, or ERROR followed by RETRY
or FAILED. QStash does not promise all of them, so a result without ACTIVE is an attempt, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from qstash_cli.protocol.records import LogEntry
from qstash_cli.protocol.states import ENDS, normal_state

_ACTIVE, _RETRY = "ACTIVE", "RETRY"
_RESULTS = frozenset({"ERROR", "RETRY", "DELIVERED", "FAILED"})


class Attempt(NamedTuple):
    """One attempt. Times are in unix milliseconds; None means that the log does not say.

    `outcome` is ACTIVE, ERROR, DELIVERED or FAILED. `waited_ms` counts from the creation or the
    previous attempt. `entry` is the log entry with the response.
    """

    number: int
    outcome: str
    entry: LogEntry
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    waited_ms: int | None = None

    @property
    def took_ms(self) -> int | None:
        """The duration of the attempt."""
        if self.started_at_ms is None or self.ended_at_ms is None:
            return None
        return self.ended_at_ms - self.started_at_ms


class Cancellation(NamedTuple):
    """A request to cancel the message, or its effect; `state` is that of the log."""

    state: str
    at_ms: int


class History(NamedTuple):
    """Everything that happened to a message, oldest first.

    `state` is the state of the newest entry. `next_at_ms` is the time of the next attempt, or
    None. `ended_at_ms` is None as long as the message is not finished.
    """

    state: str
    created_at_ms: int | None = None
    attempts: tuple[Attempt, ...] = ()
    cancellations: tuple[Cancellation, ...] = ()
    next_at_ms: int | None = None
    ended_at_ms: int | None = None


def history_of(entries: Sequence[LogEntry]) -> History:
    """Returns the history of a message from its log entries, newest first; at least one."""
    oldest_first = entries[::-1]
    newest = entries[0]
    state = normal_state(newest["state"])
    created = next((e["time"] for e in oldest_first if e["state"] == "CREATED"), None)
    end = next((e for e in entries if normal_state(e["state"]) in ENDS), None)
    if end is not None:
        state = normal_state(end["state"])
    next_at_ms = newest.get("nextDeliveryTime") if end is None and state != _ACTIVE else None
    return History(
        state=state,
        created_at_ms=created,
        attempts=tuple(_attempts(oldest_first, created)),
        cancellations=tuple(
            Cancellation(normal_state(e["state"]), e["time"])
            for e in oldest_first
            if e["state"].startswith("CANCEL")
        ),
        next_at_ms=next_at_ms,
        ended_at_ms=None if end is None else end["time"],
    )


def _attempts(oldest_first: Iterable[LogEntry], created_at_ms: int | None) -> list[Attempt]:
    found: list[Attempt] = []
    before_ms = created_at_ms
    for entry in oldest_first:
        state, time = entry["state"], entry["time"]
        if state == _ACTIVE:
            waited_ms = None if before_ms is None else max(0, time - before_ms)
            found.append(Attempt(len(found) + 1, _ACTIVE, entry, time, None, waited_ms))
        elif state in _RESULTS:
            if found and (found[-1].outcome == _ACTIVE or found[-1].ended_at_ms == time):
                found[-1] = _with_result(found[-1], entry)
            else:
                found.append(_with_result(Attempt(len(found) + 1, _ACTIVE, entry), entry))
            before_ms = time
    return found


def _with_result(attempt: Attempt, entry: LogEntry) -> Attempt:
    # RETRY is the plan that follows an error, and has no response.
    state = "ERROR" if entry["state"] == _RETRY else entry["state"]
    has_response = bool(entry.get("responseStatus") or entry.get("error"))
    is_first = attempt.outcome == _ACTIVE
    return attempt._replace(
        outcome=state if is_first or attempt.outcome == "ERROR" else attempt.outcome,
        entry=entry if has_response or is_first else attempt.entry,
        ended_at_ms=entry["time"],
    )

"""What happened to messages recently, and what is due next.

Only the newest entries of the log are read: a long log must not make the page slow.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

_MAX_ENTRIES = 20_000
_RECENT = (
    "(SELECT message_id, time_ms, state FROM logs ORDER BY seq DESC "  # noqa: S608 - our own text
    f"LIMIT {_MAX_ENTRIES}) AS recent"
)
_MAX_NAMED = 10


class Step(NamedTuple):
    """An entry of the log without its details."""

    message_id: str
    time_ms: int
    state: str


class FailingHost(NamedTuple):
    """A host, and the number of its failed attempts."""

    host: str
    errors: int


class DueMessage(NamedTuple):
    """A message that is due at a time."""

    id: str
    url: str
    due_ms: int


def list_steps(connection: sqlite3.Connection, since_ms: int) -> list[Step]:
    """Returns the entries since a time, oldest first."""
    rows = connection.execute(
        f"SELECT * FROM {_RECENT} WHERE time_ms >= ?",  # noqa: S608 - our own text
        (since_ms,),
    )
    return [Step(*row) for row in rows][::-1]


def list_failing_hosts(connection: sqlite3.Connection, since_ms: int) -> list[FailingHost]:
    """Returns the hosts with failed attempts since a time, the worst first."""
    rows = connection.execute(
        f"SELECT host, count(*) AS errors FROM {_RECENT} "  # noqa: S608 - our own text
        "JOIN messages ON messages.id = recent.message_id "
        "WHERE recent.state = 'ERROR' AND recent.time_ms >= ? "
        "GROUP BY host ORDER BY errors DESC, host LIMIT ?",
        (since_ms, _MAX_NAMED),
    )
    return [FailingHost(*row) for row in rows]


def list_next(connection: sqlite3.Connection, now_ms: int) -> list[DueMessage]:
    """Returns the messages that are due next."""
    rows = connection.execute(
        "SELECT id, url, due_ms FROM messages WHERE status = 'live' AND due_ms > ? "
        "ORDER BY due_ms LIMIT ?",
        (now_ms, _MAX_NAMED),
    )
    return [DueMessage(*row) for row in rows]

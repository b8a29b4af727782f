"""What an account uses of its plan."""

from __future__ import annotations

import sqlite3

_COUNTS = {
    "queues": "SELECT count(*), count(iif(name = ?, 1, NULL)) FROM queues",
    "urlgroups": "SELECT count(*), count(iif(name = ?, 1, NULL)) FROM topics",
    "schedules": "SELECT count(*), count(iif(id = ?, 1, NULL)) FROM schedules",
}


def count_after_adding(connection: sqlite3.Connection, kind: str, name: str) -> int | None:
    """Returns the number of queues, URL groups or schedules with a new one of this name.

    None if the name exists already.
    """
    count, is_there = connection.execute(_COUNTS[kind], (name,)).fetchone()
    return None if is_there else count + 1


def count_messages(connection: sqlite3.Connection, begin_ms: int, end_ms: int) -> int:
    """Returns the number of messages that were created from `begin_ms` to before `end_ms`."""
    (used,) = connection.execute(
        "SELECT count(*) FROM messages WHERE created_ms >= ? AND created_ms < ?",
        (begin_ms, end_ms),
    ).fetchone()
    return int(used)

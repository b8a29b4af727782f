"""Queues in the store. Source: QStash docs, "Queues"."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from qstash_cli.server.errors import ApiError


class Queue(NamedTuple):
    """A queue as it is stored; `lag` is the number of its undelivered messages."""

    name: str
    created_ms: int
    updated_ms: int
    parallelism: int
    is_paused: int
    lag: int


_SELECT = (
    "SELECT name, created_ms, updated_ms, parallelism, is_paused, (SELECT count(*) FROM messages "
    "WHERE queue = queues.name AND status = 'live') AS lag FROM queues"
)


def ensure(connection: sqlite3.Connection, name: str, now_ms: int) -> None:
    """Creates a queue if it does not exist."""
    connection.execute(
        "INSERT OR IGNORE INTO queues (name, created_ms, updated_ms) VALUES (?, ?, ?)",
        (name, now_ms, now_ms),
    )


def put(
    connection: sqlite3.Connection,
    name: str,
    now_ms: int,
    *,
    parallelism: int | None,
    is_paused: bool | None,
) -> Queue:
    """Creates or updates a queue; None leaves a value unchanged."""
    ensure(connection, name, now_ms)
    connection.execute(
        "UPDATE queues SET updated_ms = ?, parallelism = ifnull(?, parallelism), "
        "is_paused = ifnull(?, is_paused) WHERE name = ?",
        (now_ms, parallelism, is_paused, name),
    )
    return get(connection, name)


def list_all(connection: sqlite3.Connection) -> list[Queue]:
    """Returns all queues by name."""
    return [Queue(*row) for row in connection.execute(f"{_SELECT} ORDER BY name")]


def get(connection: sqlite3.Connection, name: str) -> Queue:
    """Returns the queue with this name. Raises `ApiError` if there isn't one."""
    row = connection.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise ApiError(404, f"queue {name} not found")
    return Queue(*row)


def delete(connection: sqlite3.Connection, name: str) -> list[str]:
    """Deletes a queue if it exists, and returns the ids of its undelivered messages."""
    connection.execute("DELETE FROM queues WHERE name = ?", (name,))
    rows = connection.execute(
        "SELECT id FROM messages WHERE queue = ? AND status = 'live'", (name,)
    ).fetchall()
    return [row["id"] for row in rows]

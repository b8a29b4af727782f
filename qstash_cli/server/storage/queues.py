"""Queues in the store. Source: QStash docs, "Queues"."""

from __future__ import annotations

import sqlite3
from typing import Any

from qstash_cli.server.errors import ApiError

_SELECT = (
    "SELECT *, (SELECT count(*) FROM messages WHERE queue = queues.name AND status = 'live') "
    "AS lag FROM queues"
)


def ensure(connection: sqlite3.Connection, name: str, now_ms: int) -> None:
    """Makes a queue if there is none of that name."""
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
) -> sqlite3.Row:
    """Makes or changes a queue; None leaves a value as it is."""
    ensure(connection, name, now_ms)
    connection.execute(
        "UPDATE queues SET updated_ms = ?, parallelism = ifnull(?, parallelism), "
        "is_paused = ifnull(?, is_paused) WHERE name = ?",
        (now_ms, parallelism, is_paused, name),
    )
    return get(connection, name)


def list_all(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """All queues by name."""
    return connection.execute(f"{_SELECT} ORDER BY name").fetchall()


def get(connection: sqlite3.Connection, name: str) -> sqlite3.Row:
    """A queue. Raises `ApiError` if there is none of that name."""
    row: sqlite3.Row | None = connection.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise ApiError(404, f"queue {name} not found")
    return row


def delete(connection: sqlite3.Connection, name: str) -> list[str]:
    """Deletes a queue if there is one, and returns the ids of the messages still in it."""
    connection.execute("DELETE FROM queues WHERE name = ?", (name,))
    rows = connection.execute(
        "SELECT id FROM messages WHERE queue = ? AND status = 'live'", (name,)
    ).fetchall()
    return [row["id"] for row in rows]


def as_json(row: sqlite3.Row) -> dict[str, Any]:
    """A queue as QStash's JSON."""
    return {
        "createdAt": row["created_ms"],
        "updatedAt": row["updated_ms"],
        "name": row["name"],
        "parallelism": row["parallelism"],
        "lag": row["lag"],
        "paused": bool(row["is_paused"]),
    }

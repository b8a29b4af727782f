"""Deduplication windows in the store. Source: QStash docs, "Deduplication"."""

from __future__ import annotations

import sqlite3

# Guess: how long the deduplication of an id or content lasts from the first publish. Documented.
WINDOW_MS = 600_000


def find(connection: sqlite3.Connection, key: str, now_ms: int) -> str | None:
    """Returns the id of the message that was published with this key, or None.

    Deletes expired windows.
    """
    connection.execute("DELETE FROM deduplication WHERE until_ms <= ?", (now_ms,))
    # A clock that was set back must not extend a window.
    latest_ms = now_ms + WINDOW_MS
    connection.execute(
        "UPDATE deduplication SET until_ms = ? WHERE until_ms > ?", (latest_ms, latest_ms)
    )
    row = connection.execute(
        "SELECT message_id FROM deduplication WHERE key = ?", (key,)
    ).fetchone()
    return row["message_id"] if row else None


def add(connection: sqlite3.Connection, key: str, message_id: str, now_ms: int) -> None:
    """Begins the window of a key."""
    connection.execute(
        "INSERT INTO deduplication VALUES (?, ?, ?)", (key, message_id, now_ms + WINDOW_MS)
    )

"""Writing the log: the steps of each message. Source: QStash docs, "Logs"."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from qstash_cli.server.storage.columns import as_object


def add(
    connection: sqlite3.Connection, message_id: str, state: str, time_ms: int, **details: Any
) -> None:
    """Adds a step to the log of a message."""
    connection.execute(
        "INSERT INTO logs (message_id, time_ms, state, details) VALUES (?, ?, ?, ?)",
        (message_id, time_ms, state, json.dumps(details)),
    )


def decode_details(stored: str) -> dict[str, Any]:
    """Returns the stored details of a step, or only an error if they are damaged."""
    details = as_object(stored)
    return {"error": "the stored step is damaged"} if details is None else details


def count_at(connection: sqlite3.Connection, message_id: str, state: str, time_ms: int) -> int:
    """Returns how many steps of a message have this state and time."""
    (count,) = connection.execute(
        "SELECT count(*) FROM logs WHERE message_id = ? AND state = ? AND time_ms = ?",
        (message_id, state, time_ms),
    ).fetchone()
    return int(count)


def last_seq(connection: sqlite3.Connection) -> int:
    """Returns the sequence number of the last step, 0 if there isn't one."""
    (seq,) = connection.execute("SELECT ifnull(max(seq), 0) FROM logs").fetchone()
    return int(seq)


def last_step_ms(connection: sqlite3.Connection) -> int:
    """Returns the time of the last step of any message, 0 if there isn't one."""
    row = connection.execute("SELECT time_ms FROM logs ORDER BY seq DESC LIMIT 1").fetchone()
    return row["time_ms"] if row else 0

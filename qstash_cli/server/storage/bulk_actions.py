"""Bulk actions as they are stored: cancels by filter and their progress.

Source: QStash docs, "Cancel messages in bulk" and "List bulk actions".
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import number

KEPT_MS = 7 * 86_400_000
_IN_PROGRESS, _FINISHED = "IN_PROGRESS", "FINISHED"


def insert(
    connection: sqlite3.Connection,
    action_id: str,
    wanted: Mapping[str, Sequence[str]],
    *,
    total: int,
    last_seq: int,
    now_ms: int,
) -> None:
    """Store an action that begins now, and delete the expired ones.

    `total` messages match, the last of which has the sequence number `last_seq`.
    """
    connection.execute(
        "DELETE FROM bulk_actions WHERE created_ms < ? AND completed_ms IS NOT NULL",
        (now_ms - KEPT_MS,),
    )
    connection.execute(
        "INSERT INTO bulk_actions (id, filter, total, last_seq, created_ms) VALUES (?, ?, ?, ?, ?)",
        (action_id, json.dumps(wanted), total, last_seq, now_ms),
    )


def advance(connection: sqlite3.Connection, action_id: str, *, cancelled: int, seq: int) -> None:
    """Store that `cancelled` more messages are done, and those up to `seq` were looked at."""
    connection.execute(
        "UPDATE bulk_actions SET processed = processed + ?, next_seq = ? WHERE id = ?",
        (cancelled, seq, action_id),
    )


def finish(connection: sqlite3.Connection, action_id: str, now_ms: int) -> None:
    """Store that an action is finished."""
    connection.execute("UPDATE bulk_actions SET completed_ms = ? WHERE id = ?", (now_ms, action_id))


def unfinished(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """The actions that a stopped server left in progress, oldest first."""
    return connection.execute(
        "SELECT * FROM bulk_actions WHERE completed_ms IS NULL ORDER BY seq"
    ).fetchall()


def get(connection: sqlite3.Connection, action_id: str, now_ms: int) -> dict[str, Any]:
    """An action as QStash's JSON. Raises `ApiError` if the id is unknown or has expired."""
    row = connection.execute(
        "SELECT * FROM bulk_actions WHERE id = ? AND created_ms >= ?",
        (action_id, now_ms - KEPT_MS),
    ).fetchone()
    if row is None:
        raise ApiError(404, f"bulk action {action_id} not found")
    return _as_json(row)


def page(
    connection: sqlite3.Connection, *, cursor: str | None, limit: int, now_ms: int
) -> tuple[list[dict[str, Any]], str]:
    """The newest actions after the cursor, and the cursor of the next page, "" if there is none."""
    before = number(cursor) if cursor else 2**62
    rows = connection.execute(
        "SELECT * FROM bulk_actions WHERE seq < ? AND created_ms >= ? ORDER BY seq DESC LIMIT ?",
        (before, now_ms - KEPT_MS, limit + 1),
    ).fetchall()
    listed = rows[:limit]
    return [_as_json(row) for row in listed], str(listed[-1]["seq"]) if len(rows) > limit else ""


def _as_json(row: sqlite3.Row) -> dict[str, Any]:
    is_finished = row["completed_ms"] is not None
    return {
        "actionId": row["id"],
        "kind": "cancel",
        "state": _FINISHED if is_finished else _IN_PROGRESS,
        "total": row["total"],
        "processed": row["processed"],
        "createdAt": row["created_ms"],
        **({"completedAt": row["completed_ms"]} if is_finished else {}),
        "filter": json.loads(row["filter"]),
    }

"""Bulk actions: what became of the cancels by filter. Source: QStash OpenAPI document."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from qstash_cli.server import filters
from qstash_cli.server.answers import ApiError

KEPT_MS = 7 * 86_400_000


def insert(
    connection: sqlite3.Connection,
    action_id: str,
    given: Mapping[str, Sequence[str]],
    total: int,
    now_ms: int,
) -> None:
    """Keeps an action that is done, and forgets those of more than a week ago."""
    connection.execute("DELETE FROM bulk_actions WHERE created_ms < ?", (now_ms - KEPT_MS,))
    connection.execute(
        "INSERT INTO bulk_actions (id, filter, total, created_ms) VALUES (?, ?, ?, ?)",
        (action_id, json.dumps({name: list(values) for name, values in given.items()}),
         total, now_ms),
    )  # fmt: skip


def get(connection: sqlite3.Connection, action_id: str) -> dict[str, Any]:
    """An action as QStash's JSON. Raises `ApiError` if there is none of that id."""
    row = connection.execute("SELECT * FROM bulk_actions WHERE id = ?", (action_id,)).fetchone()
    if row is None:
        raise ApiError(404, f"bulk action {action_id} not found")
    return _as_json(row)


def page(
    connection: sqlite3.Connection, *, cursor: str | None, most: int
) -> tuple[list[dict[str, Any]], str]:
    """The newest actions after the cursor, and the cursor of the next page if there is one."""
    before = filters.number(cursor) if cursor else 2**62
    rows = connection.execute(
        "SELECT * FROM bulk_actions WHERE seq < ? ORDER BY seq DESC LIMIT ?", (before, most + 1)
    ).fetchall()
    shown = rows[:most]
    return [_as_json(row) for row in shown], str(shown[-1]["seq"]) if len(rows) > most else ""


def _as_json(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "actionId": row["id"],
        "kind": "cancel",
        "state": "FINISHED",
        "total": row["total"],
        "processed": row["total"],
        "createdAt": row["created_ms"],
        "completedAt": row["created_ms"],
        "filter": json.loads(row["filter"]),
    }

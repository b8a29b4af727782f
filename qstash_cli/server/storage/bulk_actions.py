"""Bulk actions in the store: cancels by filter and their progress.

Source: QStash docs, "Cancel messages in bulk" and "List bulk actions".
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import number
from qstash_cli.server.storage import filters

KEPT_MS = 7 * 86_400_000
_NO_CURSOR = 2**62


class BulkAction(NamedTuple):
    """A cancel by filter. `processed` of the `total` matching messages are cancelled.

    The live messages with sequence numbers in (`next_seq`, `last_seq`] are still to be examined.
    `completed_ms` is None while the action is in progress.
    """

    seq: int
    id: str
    filter: dict[str, list[str]]
    total: int
    processed: int
    next_seq: int
    last_seq: int
    created_ms: int
    completed_ms: int | None


class Match(NamedTuple):
    """An undelivered message, and whether it matches the filter of an action."""

    seq: int
    id: str
    matches: bool


_SELECT = f"SELECT {', '.join(BulkAction._fields)} FROM bulk_actions"  # noqa: S608 - our own names


def insert(
    connection: sqlite3.Connection,
    action_id: str,
    wanted: Mapping[str, Sequence[str]],
    *,
    total: int,
    last_seq: int,
    now_ms: int,
) -> None:
    """Stores an action that begins now, and deletes the expired ones.

    `total` messages match; the last live message has the sequence number `last_seq`.
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
    """Stores that `cancelled` more messages are done, and that those up to `seq` are examined."""
    connection.execute(
        "UPDATE bulk_actions SET processed = processed + ?, next_seq = ? WHERE id = ?",
        (cancelled, seq, action_id),
    )


def finish(connection: sqlite3.Connection, action_id: str, now_ms: int) -> None:
    """Stores that an action is finished."""
    connection.execute("UPDATE bulk_actions SET completed_ms = ? WHERE id = ?", (now_ms, action_id))


def list_unfinished(connection: sqlite3.Connection) -> list[BulkAction]:
    """Returns the actions that a stopped server left in progress, oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE completed_ms IS NULL ORDER BY seq")
    return [_action(row) for row in rows]


def get(connection: sqlite3.Connection, action_id: str, now_ms: int) -> BulkAction:
    """Returns an action. Raises `ApiError` if the id is unknown or has expired."""
    row = connection.execute(
        f"{_SELECT} WHERE id = ? AND created_ms >= ?",
        (action_id, now_ms - KEPT_MS),
    ).fetchone()
    if row is None:
        raise ApiError(404, f"bulk action {action_id} not found")
    return _action(row)


def page(
    connection: sqlite3.Connection, *, cursor: str | None, limit: int, now_ms: int
) -> tuple[list[BulkAction], str]:
    """Returns the newest actions after the cursor, and the cursor of the next page or ""."""
    before = number(cursor) if cursor else _NO_CURSOR
    rows = connection.execute(
        f"{_SELECT} WHERE seq < ? AND created_ms >= ? ORDER BY seq DESC LIMIT ?",
        (before, now_ms - KEPT_MS, limit + 1),
    ).fetchall()
    listed = [_action(row) for row in rows[:limit]]
    return listed, str(listed[-1].seq) if len(rows) > limit else ""


def validate_filter(wanted: Mapping[str, Sequence[str]]) -> None:
    """Raises `ApiError` for a name that is not a filter, and for empty values."""
    _conditions(wanted)


def list_matches(
    connection: sqlite3.Connection,
    wanted: Mapping[str, Sequence[str]],
    *,
    after: int,
    last: int,
    limit: int,
) -> list[Match]:
    """Returns live messages with sequence numbers in (`after`, `last`], oldest first."""
    clause, values = filters.where(_conditions(wanted))
    rows = connection.execute(
        # The messages of a workflow run are cancelled with their run.
        f"SELECT seq, id, (run_seq IS NULL AND ({clause}) IS TRUE) AS matches "  # noqa: S608 - built of our own names
        "FROM messages INDEXED BY live_by_seq "
        "WHERE status = 'live' AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
        (*values, after, last, limit),
    ).fetchall()
    return [Match(*row) for row in rows]


def _conditions(wanted: Mapping[str, Sequence[str]]) -> list[filters.Condition]:
    return filters.conditions(
        wanted, filters.MESSAGE_FILTERS, time_column="messages.created_ms", ignored=frozenset()
    )


def _action(row: sqlite3.Row) -> BulkAction:
    action = BulkAction(*row)
    return action._replace(filter=json.loads(row["filter"]))

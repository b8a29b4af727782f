"""Schedules in the store. Source: QStash docs, "Schedules"."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.errors import ApiError
from qstash_cli.server.storage.columns import as_bytes


class Schedule(NamedTuple):
    """A schedule as it is stored; `headers_json` and `last_ids_json` are JSON that may be damaged.

    `last_ms` is when it fired last, and `last_ids_json` has the ids of the messages of that time.
    """

    id: str
    created_ms: int
    cron: str
    destination: str
    headers_json: str
    body: bytes
    caller_ip: str
    is_paused: bool
    next_ms: int
    last_ms: int | None
    last_ids_json: str
    error: str


class ScheduleTime(NamedTuple):
    """When a schedule fires next; the time of a damaged schedule may be of another type."""

    id: str
    cron: str
    next_ms: int


def put(  # noqa: PLR0917 - the columns
    connection: sqlite3.Connection,
    schedule_id: str,
    cron: str,
    destination: str,
    headers: Headers,
    body: bytes,
    caller_ip: str,
    next_ms: int,
    now_ms: int,
) -> None:
    """Stores a schedule, or replaces the one with the same id."""
    connection.execute(
        "INSERT INTO schedules "
        "(id, created_ms, cron, destination, headers, body, caller_ip, next_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET cron = excluded.cron, "
        "destination = excluded.destination, headers = excluded.headers, body = excluded.body, "
        "caller_ip = excluded.caller_ip, next_ms = excluded.next_ms, is_paused = 0, error = ''",
        (schedule_id, now_ms, cron, destination, json.dumps(headers), body, caller_ip, next_ms),
    )


def list_ids(connection: sqlite3.Connection) -> list[str]:
    """Returns the ids of all schedules, oldest first."""
    rows = connection.execute("SELECT id FROM schedules ORDER BY created_ms, id").fetchall()
    return [row["id"] for row in rows]


def find(connection: sqlite3.Connection, schedule_id: str) -> Schedule | None:
    """Returns the schedule with this id, or None."""
    row = connection.execute("SELECT * FROM schedules WHERE id = ?", (schedule_id,)).fetchone()
    return None if row is None else _schedule(row)


def get(connection: sqlite3.Connection, schedule_id: str) -> Schedule:
    """Returns the schedule with this id. Raises `ApiError` if there isn't one."""
    found = find(connection, schedule_id)
    if found is None:
        raise ApiError(404, f"schedule {schedule_id} not found")
    return found


def delete(connection: sqlite3.Connection, schedule_id: str) -> None:
    """Deletes a schedule, but not its messages. Raises `ApiError` if it does not exist."""
    get(connection, schedule_id)
    connection.execute("DELETE FROM schedules WHERE id = ?", (schedule_id,))


def pause(connection: sqlite3.Connection, schedule_id: str, *, is_paused: bool) -> None:
    """Pauses or resumes a schedule. Raises `ApiError` if it does not exist."""
    get(connection, schedule_id)
    connection.execute("UPDATE schedules SET is_paused = ? WHERE id = ?", (is_paused, schedule_id))


def list_due(connection: sqlite3.Connection, now_ms: int) -> list[Schedule]:
    """Returns the schedules whose time has come."""
    rows = connection.execute("SELECT * FROM schedules WHERE next_ms <= ?", (now_ms,)).fetchall()
    return [_schedule(row) for row in rows]


def list_times(connection: sqlite3.Connection) -> list[ScheduleTime]:
    """Returns when each schedule fires next."""
    rows = connection.execute("SELECT id, cron, next_ms FROM schedules").fetchall()
    return [ScheduleTime(*row) for row in rows]


def next_due_ms(connection: sqlite3.Connection) -> int | None:
    """Returns the time of the next schedule, None if there isn't one."""
    row = connection.execute(
        "SELECT min(next_ms) AS next_ms FROM schedules WHERE typeof(next_ms) = 'integer'"
    ).fetchone()
    due_ms: int | None = row["next_ms"]
    return due_ms


def set_next(
    connection: sqlite3.Connection, schedule_id: str, next_ms: int, *, error: str | None = None
) -> None:
    """Changes when a schedule fires next, and its error if that is not None."""
    connection.execute(
        "UPDATE schedules SET next_ms = ?, error = ifnull(?, error) WHERE id = ?",
        (next_ms, error, schedule_id),
    )


def set_last(
    connection: sqlite3.Connection,
    schedule_id: str,
    now_ms: int,
    message_ids: Sequence[str],
    error: str,
) -> None:
    """Stores when a schedule fired, the messages that it published, and why it could not."""
    connection.execute(
        "UPDATE schedules SET last_ms = ?, last_ids = ?, error = ? WHERE id = ?",
        (now_ms, json.dumps(message_ids), error, schedule_id),
    )


def last_change_ms(connection: sqlite3.Connection) -> int:
    """Returns the latest time at which a schedule was created or fired, 0 if there isn't one."""
    rows = connection.execute("SELECT created_ms, last_ms FROM schedules").fetchall()
    return max((time for row in rows for time in row if isinstance(time, int)), default=0)


def last_statuses(connection: sqlite3.Connection, schedule: Schedule) -> dict[str, str]:
    """Returns the status of each message of a schedule's last run, empty if ids are damaged."""
    try:
        ids = [str(message_id) for message_id in json.loads(schedule.last_ids_json)]
    except (ValueError, TypeError):
        return {}
    marks = ", ".join("?" * len(ids))
    rows = connection.execute(
        f"SELECT id, status FROM messages WHERE id IN ({marks})",  # noqa: S608 - question marks
        tuple(ids),
    ).fetchall()
    return {row["id"]: row["status"] for row in rows}


def _schedule(row: sqlite3.Row) -> Schedule:
    return Schedule(
        id=row["id"],
        created_ms=row["created_ms"],
        cron=row["cron"],
        destination=row["destination"],
        headers_json=row["headers"],
        body=as_bytes(row["body"]),
        caller_ip=row["caller_ip"],
        is_paused=bool(row["is_paused"]),
        next_ms=row["next_ms"],
        last_ms=row["last_ms"],
        last_ids_json=row["last_ids"],
        error=row["error"],
    )

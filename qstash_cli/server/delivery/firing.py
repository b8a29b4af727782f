"""Firing the schedules in the store. Source: QStash docs, "Schedules"."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence

from qstash_cli.protocol.limits import UNLIMITED, PlanLimits
from qstash_cli.server.services.publishing import (
    Accepted,
    NewId,
    Order,
    accept,
)
from qstash_cli.server.storage import schedules
from qstash_cli.server.storage.message import as_bytes

_MAX_ERROR_CHARACTERS = 1000
_logger = logging.getLogger(__name__)


def next_due_ms(connection: sqlite3.Connection) -> int | None:
    """When the next schedule fires, None if there is none."""
    row = connection.execute(
        "SELECT min(next_ms) AS next_ms FROM schedules WHERE typeof(next_ms) = 'integer'"
    ).fetchone()
    due_ms: int | None = row["next_ms"]
    return due_ms


def fire_due(
    connection: sqlite3.Connection, now_ms: int, new_id: NewId, limits: PlanLimits = UNLIMITED
) -> list[Accepted]:
    """Publishes what is due, once each, and moves each schedule to its next time after now.

    What was missed several times, while the server was not running, fires once. A schedule that
    fails does not keep the others from firing.
    """
    rows = connection.execute("SELECT * FROM schedules WHERE next_ms <= ?", (now_ms,)).fetchall()
    fired: list[Accepted] = []
    for row in rows:
        next_ms = _next_or_stop(connection, row, now_ms)
        if next_ms is None:
            continue
        connection.execute("UPDATE schedules SET next_ms = ? WHERE id = ?", (next_ms, row["id"]))
        if not row["is_paused"]:
            fired += _fire(connection, row, now_ms, new_id, limits)
    return fired


def examine(connection: sqlite3.Connection, now_ms: int) -> None:
    """Stops the schedules whose cron expression is damaged, and repairs damaged times."""
    for row in _times(connection):
        next_ms = _next_or_stop(connection, row, now_ms)
        if next_ms is not None and not schedules.is_time(row["next_ms"]):
            connection.execute(
                "UPDATE schedules SET next_ms = ?, error = '' WHERE id = ?", (next_ms, row["id"])
            )


def move_back(connection: sqlite3.Connection, now_ms: int) -> None:
    """Moves each schedule to its next time after now, if that is earlier than the stored one."""
    for row in _times(connection):
        next_ms = _next_or_stop(connection, row, now_ms)
        if next_ms is not None and next_ms < row["next_ms"]:
            connection.execute(
                "UPDATE schedules SET next_ms = ? WHERE id = ?", (next_ms, row["id"])
            )


def _times(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute("SELECT id, cron, next_ms FROM schedules").fetchall()


def _next_or_stop(connection: sqlite3.Connection, row: sqlite3.Row, now_ms: int) -> int | None:
    """When a schedule fires after now.

    A schedule whose cron expression is damaged never fires again; that is logged, and its error.
    """
    try:
        return schedules.next_fire_ms(row["cron"], now_ms)
    except Exception as fault:  # noqa: BLE001 - whatever is stored, the other schedules go on
        error = f"the cron expression is damaged: {fault}"[:_MAX_ERROR_CHARACTERS]
        _logger.warning("schedule %r stops: %s", row["id"], error)
        connection.execute(
            "UPDATE schedules SET next_ms = ?, error = ? WHERE id = ?",
            (schedules.NEVER_MS, error, row["id"]),
        )
        return None


def last_change_ms(connection: sqlite3.Connection) -> int:
    """The latest time at which a schedule was created or fired, 0 if there is none."""
    rows = connection.execute("SELECT created_ms, last_ms FROM schedules").fetchall()
    return max((time for row in rows for time in row if isinstance(time, int)), default=0)


def _fire(
    connection: sqlite3.Connection, row: sqlite3.Row, now_ms: int, new_id: NewId, limits: PlanLimits
) -> Sequence[Accepted]:
    connection.execute("SAVEPOINT fire")
    try:
        order = Order(
            destination=row["destination"],
            headers=tuple((name, value) for name, value in json.loads(row["headers"])),
            body=as_bytes(row["body"]),
            now_ms=now_ms,
            caller_ip=row["caller_ip"],
            schedule_id=row["id"],
            limits=limits,
        )
        accepted, error = [accept(connection, order, new_id)], ""
    except sqlite3.OperationalError:
        # The disk is full, or the like.
        raise
    except Exception as fault:  # noqa: BLE001 - whatever is stored, the other schedules go on
        connection.execute("ROLLBACK TO fire")
        accepted, error = [], (str(fault) or repr(fault))[:_MAX_ERROR_CHARACTERS]
        if error != row["error"]:
            _logger.warning("schedule %r published nothing: %s", row["id"], error)
    connection.execute("RELEASE fire")
    ids = [stored.message_id for one in accepted for stored in one.stored]
    connection.execute(
        "UPDATE schedules SET last_ms = ?, last_ids = ?, error = ? WHERE id = ?",
        (now_ms, json.dumps(ids), error, row["id"]),
    )
    return accepted

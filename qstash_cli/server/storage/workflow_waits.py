"""The steps that wait for an event, and the events that wait for a step."""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import Any, NamedTuple

from qstash_cli.protocol.workflow_steps import step_key
from qstash_cli.server.storage import workflow_steps
from qstash_cli.server.storage.workflow_steps import ROW_BYTES

_logger = logging.getLogger(__name__)


class Wait(NamedTuple):
    """A step that waits for an event until its message is due, at the deadline."""

    message_id: str
    run_seq: int
    key: str
    event_id: str
    step_json: str
    waiter_json: str
    created_ms: int
    deadline_ms: int

    @property
    def step(self) -> dict[str, Any]:
        """The step as it was submitted."""
        return _parse_object(self.step_json)

    @property
    def waiter(self) -> dict[str, Any]:
        """The step as an entry in the API's list of waiters."""
        return _parse_object(self.waiter_json)


def _parse_object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        message = "a JSON object is expected"
        raise TypeError(message)
    return found


_SELECT = (
    "SELECT message_id, run_seq, key, event_id, step, waiter, created_ms, deadline_ms "
    "FROM workflow_waits "
)


def insert(connection: sqlite3.Connection, wait: Wait) -> None:
    """Stores a wait."""
    connection.execute("INSERT INTO workflow_waits VALUES (?, ?, ?, ?, ?, ?, ?, ?)", wait)


def take(connection: sqlite3.Connection, message_id: str) -> Wait | None:
    """Removes the wait of a message and returns it, None if there isn't one."""
    row = connection.execute(f"{_SELECT} WHERE message_id = ?", (message_id,)).fetchone()
    if row is None:
        return None
    connection.execute("DELETE FROM workflow_waits WHERE message_id = ?", (message_id,))
    return Wait(*row)


def list_for_event(
    connection: sqlite3.Connection, event_id: str, run_seq: int | None = None
) -> list[Wait]:
    """Returns the waits for an event, of all runs or of one, oldest first.

    A damaged wait is logged and skipped: its run fails at the deadline.
    """
    rows = connection.execute(
        f"{_SELECT} WHERE event_id = ? AND (? IS NULL OR run_seq = ?) ORDER BY rowid",
        (event_id, run_seq, run_seq),
    )
    return [wait for wait in map(Wait._make, rows) if _is_intact(wait)]


def _is_intact(wait: Wait) -> bool:
    try:
        step_key(wait.step)
        _ = wait.waiter
    except Exception as fault:  # noqa: BLE001 - a damaged wait must not affect the others
        _logger.warning("the wait of message %r is damaged: %s", wait.message_id, fault)
        return False
    return True


def list_of_run(connection: sqlite3.Connection, run_seq: int) -> list[Wait]:
    """Returns the waits of a run, oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE run_seq = ? ORDER BY rowid", (run_seq,))
    return [Wait(*row) for row in rows]


def keep_event(connection: sqlite3.Connection, run_seq: int, event_id: str, data: bytes) -> None:
    """Keeps an event until a step of the run waits for it."""
    connection.execute(
        "INSERT INTO workflow_events (run_seq, event_id, data) VALUES (?, ?, ?)",
        (run_seq, event_id, data),
    )
    workflow_steps.add_size(connection, run_seq, len(data) + ROW_BYTES)


def take_event(connection: sqlite3.Connection, run_seq: int, event_id: str) -> bytes | None:
    """Removes the oldest event that was kept for a run and returns its data, or None."""
    row = connection.execute(
        "SELECT seq, data FROM workflow_events WHERE run_seq = ? AND event_id = ? "
        "ORDER BY seq LIMIT 1",
        (run_seq, event_id),
    ).fetchone()
    if row is None:
        return None
    connection.execute("DELETE FROM workflow_events WHERE seq = ?", (row["seq"],))
    workflow_steps.add_size(connection, run_seq, -len(row["data"]) - ROW_BYTES)
    return bytes(row["data"])

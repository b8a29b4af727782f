"""The steps of workflow runs in the store, in the order in which they were submitted."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from qstash_cli.protocol.workflow_steps import RawStep

# Counted for each step or event besides its body, so that the number of empty ones is limited.
ROW_BYTES = 200


class StoredStep(NamedTuple):
    """A step of a run, and the message that delivers it."""

    seq: int
    key: str
    message_id: str
    call_type: str
    body: bytes
    created_ms: int


class Size(NamedTuple):
    """The number of steps, and of bytes in their bodies."""

    steps: int
    body_bytes: int


_COLUMNS = ", ".join(StoredStep._fields)


def append(
    connection: sqlite3.Connection, run_seq: int, key: str, raw: RawStep, now_ms: int
) -> None:
    """Appends a step to a run, which must not have one with this key."""
    connection.execute(
        "INSERT INTO workflow_steps (run_seq, key, message_id, call_type, body, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (run_seq, key, raw.message_id, raw.call_type, raw.body, now_ms),
    )
    add_size(connection, run_seq, len(raw.body) + ROW_BYTES)


def add_size(connection: sqlite3.Connection, run_seq: int, size_bytes: int) -> None:
    """Adds to the size of a run, which is limited. A negative size is subtracted."""
    connection.execute(
        "UPDATE workflow_runs SET size_bytes = size_bytes + ? WHERE seq = ?", (size_bytes, run_seq)
    )


def find_message(connection: sqlite3.Connection, run_seq: int, key: str) -> str | None:
    """Returns the message that delivers a step, or None if the run has no such step."""
    row = connection.execute(
        "SELECT message_id FROM workflow_steps WHERE run_seq = ? AND key = ? "
        "UNION ALL SELECT message_id FROM workflow_waits WHERE run_seq = ? AND key = ?",
        (run_seq, key, run_seq, key),
    ).fetchone()
    return row["message_id"] if row else None


def set_message(connection: sqlite3.Connection, run_seq: int, key: str, message_id: str) -> None:
    """Changes which message delivers a step."""
    connection.execute(
        "UPDATE workflow_steps SET message_id = ? WHERE run_seq = ? AND key = ?",
        (message_id, run_seq, key),
    )


def find_seq(connection: sqlite3.Connection, message_id: str) -> int | None:
    """Returns the position of the step that a message delivers, or None."""
    row = connection.execute(
        "SELECT seq FROM workflow_steps WHERE message_id = ?", (message_id,)
    ).fetchone()
    return row["seq"] if row else None


def first_seq(connection: sqlite3.Connection, run_seq: int) -> int:
    """Returns the position of the initial payload of a run."""
    row = connection.execute(
        "SELECT ifnull(min(seq), 0) AS seq FROM workflow_steps WHERE run_seq = ?", (run_seq,)
    ).fetchone()
    return int(row["seq"])


def size_until(connection: sqlite3.Connection, run_seq: int, seq: int) -> Size:
    """Returns the size of the steps of a run up to one of them, without the calls."""
    row = connection.execute(
        "SELECT count(*) AS count, ifnull(sum(length(body)), 0) AS size FROM workflow_steps "
        "WHERE run_seq = ? AND seq <= ? AND call_type = 'step'",
        (run_seq, seq),
    ).fetchone()
    return Size(row["count"], row["size"])


def list_until(connection: sqlite3.Connection, run_seq: int, seq: int) -> list[RawStep]:
    """Returns the steps of a run up to one of them, without the calls."""
    rows = connection.execute(
        "SELECT message_id, body, call_type FROM workflow_steps "
        "WHERE run_seq = ? AND seq <= ? AND call_type = 'step' ORDER BY seq",
        (run_seq, seq),
    )
    return [RawStep(*row) for row in rows]


def list_all(connection: sqlite3.Connection, run_seq: int) -> list[StoredStep]:
    """Returns all steps and calls of a run."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM workflow_steps WHERE run_seq = ? ORDER BY seq",  # noqa: S608 - our own
        (run_seq,),
    )
    return [StoredStep(*row) for row in rows]


def initial_payload(connection: sqlite3.Connection, run_seq: int) -> bytes:
    """Returns the payload of the trigger of a run."""
    row = connection.execute(
        "SELECT body FROM workflow_steps WHERE run_seq = ? ORDER BY seq LIMIT 1", (run_seq,)
    ).fetchone()
    return bytes(row["body"]) if row else b""

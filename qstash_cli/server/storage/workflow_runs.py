"""Runs of workflows in the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from qstash_cli.protocol import workflow
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.workflow import RunState
from qstash_cli.server.storage.messages import decode_stored, encode_options

# The types that the steps of a run depend on.
_TYPES = {"id": str, "url": str, "caller_ip": str, "created_ms": int}


class Run(NamedTuple):
    """A run. `seq` identifies it, since a later run may have the same id.

    `options_json` has the options of the trigger. `invoker_json` has the step of the run
    `invoker_seq` that waits for the result. `is_untested` is set until an endpoint that was not
    triggered by its SDK has responded as a workflow.
    """

    seq: int
    id: str
    url: str
    state: RunState
    options_json: str
    queue: str | None
    caller_ip: str
    created_ms: int
    ended_ms: int | None
    size_bytes: int
    is_untested: int
    response: bytes | None
    invoker_seq: int | None
    invoker_json: str | None
    dlq_id: str | None
    failure_message_id: str | None

    @property
    def is_live(self) -> bool:
        """Whether the run has not ended."""
        return self.state == workflow.STARTED

    @property
    def options(self) -> MessageOptions:
        """The options of the trigger, which its steps inherit, or the defaults if damaged."""
        return decode_stored(self.options_json)[0]

    @property
    def damage(self) -> str:
        """Why the steps of the run cannot be delivered, empty if they can."""
        for name, kind in _TYPES.items():
            if not isinstance(getattr(self, name), kind):
                return f"{name} has the type {type(getattr(self, name)).__name__}"
        invoker_error = "" if self.invoker_seq is None else _parse_invoker(self.invoker_json)[1]
        return decode_stored(self.options_json)[1] or invoker_error

    @property
    def invoker(self) -> dict[str, Any]:
        """The step that waits for the result, with the URL and the headers of its run."""
        return _parse_invoker(self.invoker_json)[0] if self.invoker_json else {}


class NewRun(NamedTuple):
    """A run before it is stored."""

    id: str
    url: str
    options: MessageOptions
    caller_ip: str
    created_ms: int
    queue: str | None = None
    is_untested: bool = False
    invoker_seq: int | None = None
    invoker: dict[str, Any] | None = None


def _parse_invoker(text: str | None) -> tuple[dict[str, Any], str]:
    """Returns the stored invoker, and an error if it cannot be parsed."""
    try:
        return dict(json.loads(text or "")), ""
    except Exception as fault:  # noqa: BLE001 - a damaged run must not affect the others
        return {}, f"invoker cannot be parsed: {fault}"


# Guess: a run whose DLQ entry was deleted, or which was started again, has no DLQ id.
COLUMNS = (
    "seq, id, url, state, options, queue, caller_ip, created_ms, ended_ms, "
    "CAST(size_bytes AS INTEGER), is_untested, response, invoker_seq, invoker, "
    "(SELECT dlq.id FROM dlq WHERE dlq.id = workflow_runs.dlq_id), failure_message_id"
)
_SELECT = f"SELECT {COLUMNS} FROM workflow_runs "  # noqa: S608 - our own names


def insert(connection: sqlite3.Connection, new: NewRun) -> Run:
    """Stores a run that starts now."""
    options = new.options
    cursor = connection.execute(
        "INSERT INTO workflow_runs (id, url, state, options, flow_key, queue, labels, caller_ip, "
        "created_ms, is_untested, invoker_seq, invoker) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.id,
            new.url,
            workflow.STARTED,
            encode_options(options),
            options.flow_key,
            new.queue,
            f",{','.join(options.label)}," if options.label else "",
            new.caller_ip,
            new.created_ms,
            int(new.is_untested),
            new.invoker_seq,
            None if new.invoker is None else json.dumps(new.invoker),
        ),
    )
    return get(connection, cursor.lastrowid or 0)


def get(connection: sqlite3.Connection, seq: int) -> Run:
    """Returns a run, which must exist."""
    return Run(*connection.execute(f"{_SELECT} WHERE seq = ?", (seq,)).fetchone())


def find(connection: sqlite3.Connection, seq: int) -> Run | None:
    """Returns a run, or None."""
    row = connection.execute(f"{_SELECT} WHERE seq = ?", (seq,)).fetchone()
    return Run(*row) if row else None


def find_live(connection: sqlite3.Connection, run_id: str) -> Run | None:
    """Returns the run with this id that has not ended, or None."""
    row = connection.execute(
        f"{_SELECT} WHERE id = ? AND state = 'RUN_STARTED'", (run_id,)
    ).fetchone()
    return Run(*row) if row else None


def list_succeeded(connection: sqlite3.Connection, run_id: str) -> list[int]:
    """Returns the times at which the runs with this id that have succeeded were created, in ms."""
    rows = connection.execute(
        "SELECT created_ms FROM workflow_runs WHERE id = ? AND state = 'RUN_SUCCESS'", (run_id,)
    )
    return [created_ms for (created_ms,) in rows]


def list_invoked(connection: sqlite3.Connection, seq: int) -> list[Run]:
    """Returns the runs that a run has invoked, oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE invoker_seq = ? ORDER BY seq", (seq,))
    return [Run(*row) for row in rows]


def end(
    connection: sqlite3.Connection,
    seq: int,
    state: RunState,
    now_ms: int,
    *,
    response: bytes | None = None,
    dlq_id: str | None = None,
) -> None:
    """Stores how a run has ended, and removes its waits and kept events."""
    connection.execute(
        "UPDATE workflow_runs SET state = ?, ended_ms = ?, response = ?, dlq_id = ? WHERE seq = ?",
        (state, now_ms, response, dlq_id, seq),
    )
    connection.execute("DELETE FROM workflow_waits WHERE run_seq = ?", (seq,))
    connection.execute("DELETE FROM workflow_events WHERE run_seq = ?", (seq,))


def set_failure_message(connection: sqlite3.Connection, seq: int, message_id: str | None) -> None:
    """Stores which message reports the failure of a run."""
    connection.execute(
        "UPDATE workflow_runs SET failure_message_id = ? WHERE seq = ?", (message_id, seq)
    )


def set_options(connection: sqlite3.Connection, seq: int, options: MessageOptions) -> None:
    """Changes the options that the steps of a run inherit."""
    connection.execute(
        "UPDATE workflow_runs SET options = ?, flow_key = ? WHERE seq = ?",
        (encode_options(options), options.flow_key, seq),
    )


def mark_tested(connection: sqlite3.Connection, seq: int) -> None:
    """Stores that the endpoint of a run has responded as a workflow."""
    connection.execute("UPDATE workflow_runs SET is_untested = 0 WHERE seq = ?", (seq,))


def list_undelivered(connection: sqlite3.Connection, seq: int) -> list[str]:
    """Returns the ids of the undelivered messages of a run, except the report of its failure."""
    rows: Sequence[Any] = connection.execute(
        "SELECT id FROM messages WHERE run_seq = ? AND status = 'live' "
        "AND call_type != 'failureCall'",
        (seq,),
    ).fetchall()
    return [row["id"] for row in rows]

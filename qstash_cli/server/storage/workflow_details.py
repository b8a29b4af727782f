"""The data of the log of a workflow run."""

from __future__ import annotations

import sqlite3
from base64 import b64decode
from typing import Any, NamedTuple

from qstash_cli.server.storage import logs, messages, workflow_runs, workflow_steps, workflow_waits
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.workflow_runs import Run
from qstash_cli.server.storage.workflow_steps import StoredStep
from qstash_cli.server.storage.workflow_waits import Wait


class Response(NamedTuple):
    """A response to an attempt of a message, and why the attempt failed, if it did."""

    message_id: str
    time_ms: int
    error: str
    status: int
    headers: dict[str, list[str]]
    body: bytes


class Invoked(NamedTuple):
    """A run that a step has invoked, and its payload."""

    run: Run
    payload: bytes


class RunDetails(NamedTuple):
    """A run with its steps, what they wait for, and its messages without their bodies.

    `begun` has the ids of the messages that had an attempt. `errors` are those of the steps and of
    the failure function; `reported` is the response to the report of the failure.
    """

    run: Run
    steps: list[StoredStep]
    waits: list[Wait]
    invoked: list[Invoked]
    messages: dict[str, StoredMessage]
    begun: set[str]
    errors: dict[str, list[Response]]
    reported: Response | None


def read(connection: sqlite3.Connection, run: Run) -> RunDetails:
    """Returns everything about a run."""
    rows = connection.execute(
        f"SELECT {messages.COLUMNS}, x'' AS body FROM messages WHERE run_seq = ? ORDER BY seq",  # noqa: S608 - our own names
        (run.seq,),
    )
    begun = connection.execute(
        "SELECT DISTINCT message_id FROM logs JOIN messages ON messages.id = message_id "
        "WHERE run_seq = ? AND state = 'ACTIVE'",
        (run.seq,),
    )
    responses = _responses(connection, run)
    errors: dict[str, list[Response]] = {}
    for one in responses:
        if one.error:
            errors.setdefault(one.message_id, []).append(one)
    return RunDetails(
        run=run,
        steps=workflow_steps.list_all(connection, run.seq),
        waits=workflow_waits.list_of_run(connection, run.seq),
        invoked=[
            Invoked(child, workflow_steps.initial_payload(connection, child.seq))
            for child in workflow_runs.list_invoked(connection, run.seq)
        ],
        messages={row["id"]: messages.from_row(row) for row in rows},
        begun={row["message_id"] for row in begun},
        errors=errors,
        reported=_last_report(responses, run),
    )


def failure_response(connection: sqlite3.Connection, run: Run) -> Response | None:
    """Returns the last response to the report of a failure, or None."""
    return _last_report(_responses(connection, run), run)


def _last_report(responses: list[Response], run: Run) -> Response | None:
    found = [one for one in responses if one.message_id == run.failure_message_id]
    return found[-1] if found else None


def _responses(connection: sqlite3.Connection, run: Run) -> list[Response]:
    rows = connection.execute(
        "SELECT message_id, time_ms, details FROM logs JOIN messages ON messages.id = message_id "
        "WHERE run_seq = ? AND (logs.state = 'ERROR' OR "
        "(call_type = 'failureCall' AND logs.state = 'DELIVERED')) ORDER BY logs.seq",
        (run.seq,),
    )
    return [
        _response(row["message_id"], row["time_ms"], logs.decode_details(row["details"]))
        for row in rows
    ]


def _response(message_id: str, time_ms: int, details: dict[str, Any]) -> Response:
    return Response(
        message_id=message_id,
        time_ms=time_ms,
        error=details.get("error", ""),
        status=details.get("responseStatus", 0),
        headers=details.get("responseHeader", {}),
        body=b64decode(details.get("responseBody", "")),
    )

"""Schedules in the store. Source: QStash docs, "Schedules"."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from qstash_cli.errors import BadInput
from qstash_cli.protocol.backoff import DEFAULT_RETRIES
from qstash_cli.protocol.cron import next_fire_s, parse_cron
from qstash_cli.protocol.headers import as_lists
from qstash_cli.protocol.ids import validate_name
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services import quota
from qstash_cli.server.services.publishing import NewId, Order, check
from qstash_cli.server.storage import redaction
from qstash_cli.server.storage.message import as_bytes, as_text, read_options

_STATES = {"live": "IN_PROGRESS", "cancelling": "IN_PROGRESS", "delivered": "SUCCESS"}
# The next time of a schedule that cannot fire, later than any other time.
NEVER_MS = 2**53
_OWN_HEADERS = ("upstash-cron", "upstash-schedule-id")


def put(connection: sqlite3.Connection, order: Order, new_id: NewId) -> str:
    """Stores a schedule, in the place of one of the same id, and returns its id.

    Raises `ApiError` or `BadInput` for what QStash would refuse.
    """
    options = check(order)
    if not options.cron:
        raise ApiError(400, "Upstash-Cron is missing")
    schedule_id = options.schedule_id or new_id("scd")
    validate_name(schedule_id, "schedule")
    quota.check_room(connection, order.limits, "schedules", schedule_id)
    cron = options.cron.strip()
    connection.execute(
        "INSERT INTO schedules "
        "(id, created_ms, cron, destination, headers, body, caller_ip, next_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET cron = excluded.cron, "
        "destination = excluded.destination, headers = excluded.headers, body = excluded.body, "
        "caller_ip = excluded.caller_ip, next_ms = excluded.next_ms, is_paused = 0, error = ''",
        (
            schedule_id, order.now_ms, cron, order.destination,
            json.dumps([h for h in order.headers if _is_stored(h[0])]), order.body,
            order.caller_ip, next_fire_ms(cron, order.now_ms),
        ),
    )  # fmt: skip
    return schedule_id


def _is_stored(name: str) -> bool:
    lower = name.lower()
    is_option = lower.startswith("upstash-") and not lower.startswith("upstash-telemetry-")
    return (is_option and lower not in _OWN_HEADERS) or lower == "content-type"


def next_fire_ms(cron: str, now_ms: int) -> int:
    """When a cron expression fires after now. Raises `ApiError` if it is not valid."""
    try:
        at_s = next_fire_s(parse_cron(cron), now_ms / 1000)
    except BadInput as error:
        raise ApiError(400, f"Upstash-Cron: {error.message}") from None
    if at_s is None:
        raise ApiError(400, "Upstash-Cron: it never fires")
    return at_s * 1000


def ids(connection: sqlite3.Connection) -> list[str]:
    """The ids of all schedules, oldest first."""
    rows = connection.execute("SELECT id FROM schedules ORDER BY created_ms, id").fetchall()
    return [row["id"] for row in rows]


def find(connection: sqlite3.Connection, schedule_id: str) -> sqlite3.Row | None:
    """The schedule of that id, None if there is none."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM schedules WHERE id = ?", (schedule_id,)
    ).fetchone()
    return row


def get(connection: sqlite3.Connection, schedule_id: str) -> sqlite3.Row:
    """A schedule. Raises `ApiError` if there is none of that id."""
    row = find(connection, schedule_id)
    if row is None:
        raise ApiError(404, f"schedule {schedule_id} not found")
    return row


def pause(connection: sqlite3.Connection, schedule_id: str, *, is_paused: bool) -> None:
    """Pauses or resumes a schedule. Raises `ApiError` if there is none of that id."""
    get(connection, schedule_id)
    connection.execute("UPDATE schedules SET is_paused = ? WHERE id = ?", (is_paused, schedule_id))


def delete(connection: sqlite3.Connection, schedule_id: str) -> None:
    """Deletes a schedule; what it has published goes on. Raises `ApiError` if there is none."""
    get(connection, schedule_id)
    connection.execute("DELETE FROM schedules WHERE id = ?", (schedule_id,))


def is_time(value: object) -> bool:
    """Whether a stored next time is one at which the schedule fires."""
    return isinstance(value, int) and value < NEVER_MS


def as_json(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """A schedule as QStash's JSON."""
    options, error = _stored_options(row)
    shown = redaction.without_empty(
        {
            "callback": options.callback,
            "callbackHeader": _headers(options, options.on_callback),
            "failureCallback": options.failure_callback,
            "failureCallbackHeader": _headers(options, options.on_failure_callback),
            "delay": options.delay_s,
            "timeout": options.timeout_s,
            "queueName": options.queue,
            "retryDelayExpression": options.retry_delay,
            "flowControlKey": options.flow_key,
            "parallelism": options.parallelism,
            "rate": options.rate,
            "period": (options.period_s or 1) if options.flow_key else None,
            "label": options.label[0] if options.label else None,
            "labels": list(options.label),
            "lastScheduleTime": row["last_ms"],
            "lastScheduleStates": _last_states(connection, row["last_ids"]),
            "nextScheduleTime": row["next_ms"] if is_time(row["next_ms"]) else None,
            "error": row["error"] or error,
        }
    )
    return shown | {
        "scheduleId": row["id"],
        "cron": as_text(row["cron"]),
        "createdAt": row["created_ms"],
        "destination": as_text(row["destination"]),
        "method": options.method or "POST",
        "header": _headers(options, options),
        "retries": DEFAULT_RETRIES if options.retries is None else options.retries,
        "callerIP": as_text(row["caller_ip"]),
        "isPaused": bool(row["is_paused"]),
        **redaction.text("body", redaction.body(options.redact, as_bytes(row["body"]))),
    }


def _headers(options: MessageOptions, family: MessageOptions | None) -> dict[str, list[str]]:
    return redaction.headers(options.redact, as_lists(family.headers) if family else {})


def _stored_options(row: sqlite3.Row) -> tuple[MessageOptions, str]:
    """The options of a schedule, the defaults with an error if they are damaged."""
    try:
        return read_options(json.loads(row["headers"])), ""
    except Exception as fault:  # noqa: BLE001 - whatever is stored, the others can still be listed
        return MessageOptions(), f"the options cannot be decoded: {fault}"


def _last_states(connection: sqlite3.Connection, stored_ids: str) -> dict[str, str]:
    try:
        ids = [str(message_id) for message_id in json.loads(stored_ids)]
    except (ValueError, TypeError):
        return {}
    marks = ", ".join("?" * len(ids))
    rows = connection.execute(
        f"SELECT id, status FROM messages WHERE id IN ({marks})",  # noqa: S608 - question marks
        tuple(ids),
    ).fetchall()
    return {row["id"]: _STATES.get(row["status"], "FAIL") for row in rows}

"""The dead letter queue in the store. Source: QStash docs, "Dead letter queue"."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import Parameters, count, number
from qstash_cli.server.storage import filters, messages
from qstash_cli.server.storage.columns import as_bytes, as_object
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.paging import take_page

_MAX_ENTRIES = 100
# The docs of different years disagree; this is the older order, which the SDK's tests expect.
_DEFAULT_ORDER = "earliestFirst"
_NO_FILTERS = frozenset({"count", "cursor", "order", "trimBody", "source"})
_SELECT = (
    f"SELECT {messages.COLUMNS}, messages.body, dlq.id AS dlq_id, dlq.status AS response_status, "  # noqa: S608 - our own names
    "dlq.headers AS response_headers, dlq.body AS response_body "
    "FROM dlq JOIN messages ON messages.id = dlq.message_id WHERE "
)


class DlqEntry(NamedTuple):
    """A failed message with the last response of its destination."""

    id: str
    response_status: int
    response_headers: dict[str, Any]
    response_body: bytes
    message: StoredMessage


class DlqPage(NamedTuple):
    """Entries in order, and the cursor of the next page, empty if there isn't one."""

    entries: list[DlqEntry]
    cursor: str


def add(  # noqa: PLR0917 - the columns
    connection: sqlite3.Connection,
    message_id: str,
    status: int,
    headers: Mapping[str, Any],
    body: bytes,
    now_ms: int,
) -> str:
    """Adds a failed message with the last response, and returns the id of the entry."""
    (last,) = connection.execute("SELECT ifnull(max(seq), 0) FROM dlq").fetchone()
    (used,) = connection.execute(
        "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'dlq'"
    ).fetchone()
    dlq_id = f"{now_ms}-{max(last, used) + 1}"
    connection.execute(
        "INSERT INTO dlq (id, message_id, failed_ms, status, headers, body) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (dlq_id, message_id, now_ms, status, json.dumps(headers), body),
    )
    return dlq_id


def get(connection: sqlite3.Connection, dlq_id: str) -> DlqEntry:
    """Returns the entry with this id. Raises `ApiError` if there isn't one."""
    row = connection.execute(f"{_SELECT}dlq.id = ?", (dlq_id,)).fetchone()
    if row is None:
        raise ApiError(404, f"dlq message {dlq_id} not found")
    return _entry(row)


def delete(connection: sqlite3.Connection, dlq_ids: Iterable[str]) -> None:
    """Deletes the entries with these ids."""
    connection.executemany("DELETE FROM dlq WHERE id = ?", [(one,) for one in dlq_ids])


def page(
    connection: sqlite3.Connection, given: Parameters, *, max_bytes: int = sys.maxsize
) -> DlqPage:
    """Returns the entries that the parameters select, of at most `max_bytes`. Raises `ApiError`."""
    is_of_workflows = "workflow" in given.get("source", ())
    known = filters.WORKFLOW_DLQ_FILTERS if is_of_workflows else filters.DLQ_FILTERS
    parts = filters.conditions(given, known, time_column="dlq.failed_ms", ignored=_NO_FILTERS)
    is_null = "IS NOT NULL" if is_of_workflows else "IS NULL"
    parts.append(filters.Condition(f"messages.run_seq {is_null}"))
    is_oldest_first = given.get("order", [_DEFAULT_ORDER])[-1] == "earliestFirst"
    order, sign = ("ASC", ">") if is_oldest_first else ("DESC", "<")
    if "cursor" in given:
        seq = number(given["cursor"][-1].rpartition("-")[2])
        parts.append(filters.Condition(f"dlq.seq {sign} ?", (seq,)))
    clause, values = filters.where(parts)
    limit = count(given, default=_MAX_ENTRIES, limit=_MAX_ENTRIES)
    found = connection.execute(
        f"{_SELECT}{clause} ORDER BY dlq.seq {order} LIMIT ?", (*values, limit + 1)
    )
    rows, has_more = take_page(found, limit, ("body", "response_body"), max_bytes)
    return DlqPage([_entry(row) for row in rows], rows[-1]["dlq_id"] if has_more else "")


def _entry(row: sqlite3.Row) -> DlqEntry:
    return DlqEntry(
        id=row["dlq_id"],
        response_status=row["response_status"],
        response_headers=as_object(row["response_headers"]) or {},
        response_body=as_bytes(row["response_body"]),
        message=messages.from_row(row),
    )

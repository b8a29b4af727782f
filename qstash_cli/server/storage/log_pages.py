"""Reading pages of the log. Source: QStash docs, "Logs"."""

from __future__ import annotations

import sqlite3
import sys
from collections import Counter
from typing import Any, NamedTuple

from qstash_cli.server.parameters import Parameters, count, number
from qstash_cli.server.storage import filters, logs, messages
from qstash_cli.server.storage.columns import as_integer, as_text
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.paging import PAGE_BYTES, size_of, take_page

_MAX_ENTRIES = 1000
_DEFAULT_GROUPS = 10
_EARLIER_ENTRIES = 100
_NO_FILTERS = frozenset({"count", "cursor", "order", "groupBy", "trimBody"})
_FROM = "FROM logs JOIN messages ON messages.id = logs.message_id WHERE "
_SIZED = ("body", "details")


class LogEntry(NamedTuple):
    """One step of a message. `details_json` is what this step adds."""

    time_ms: int
    state: str
    details_json: str
    message: StoredMessage

    @property
    def details(self) -> dict[str, Any]:
        """What this step adds, or only an error if that is damaged."""
        return logs.decode_details(self.details_json)


class LogPage(NamedTuple):
    """Entries in order, and the cursor of the next page, None if there isn't one."""

    entries: list[LogEntry]
    cursor: str | None


class GroupedLogPage(NamedTuple):
    """The entries of each message in order, and the cursor of the next page, None if none."""

    groups: list[list[LogEntry]]
    cursor: str | None


class Timeline(NamedTuple):
    """The last entries of a message, oldest first, and how many of them are new."""

    entries: list[LogEntry]
    new_count: int


class _Query(NamedTuple):
    """The filters of a request as SQL; `order` is ASC or DESC, and `sign` leads to later pages."""

    clause: str
    values: tuple[Any, ...]
    order: str
    sign: str
    cursor: int | None


def page(connection: sqlite3.Connection, given: Parameters, trim: int | None) -> LogPage:
    """Returns the entries that the parameters select, cut to `trim` bytes unless it is None.

    Raises `ApiError` if the parameters are not valid.
    """
    query = _query(given)
    limit = count(given, default=_MAX_ENTRIES, limit=_MAX_ENTRIES)
    after, values = ("", query.values)
    if query.cursor is not None:
        after, values = f" AND logs.seq {query.sign} ?", (*query.values, query.cursor)
    found = connection.execute(
        f"{_select(trim)}{query.clause}{after} ORDER BY logs.seq {query.order} LIMIT ?",
        (*values, limit + 1),
    )
    rows, has_more = take_page(found, limit, _SIZED)
    cursor = str(rows[-1]["log_seq"]) if has_more else None
    return LogPage([_entry(row) for row in rows], cursor)


def grouped_page(
    connection: sqlite3.Connection, given: Parameters, trim: int | None
) -> GroupedLogPage:
    """Returns all entries of the messages that have matching entries; otherwise as `page`."""
    query = _query(given)
    limit = count(given, default=_DEFAULT_GROUPS, limit=_MAX_ENTRIES)
    having, values = ("", query.values)
    if query.cursor is not None:
        having, values = f" HAVING last_seq {query.sign} ?", (*query.values, query.cursor)
    found = connection.execute(
        f"SELECT messages.id, max(logs.seq) AS last_seq {_FROM}{query.clause} "
        f"GROUP BY messages.id{having} ORDER BY last_seq {query.order} LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    groups: list[list[LogEntry]] = []
    size = 0
    for row in found[:limit]:
        rows = _rows_of(connection, row["id"], query.order, trim)
        size += size_of(rows, _SIZED)
        if groups and size > PAGE_BYTES:
            break
        groups.append([_entry(one) for one in rows])
    has_more = len(groups) < len(found)
    return GroupedLogPage(groups, str(found[len(groups) - 1]["last_seq"]) if has_more else None)


def entries_after(
    connection: sqlite3.Connection, seq: int, limit: int, trim: int
) -> tuple[list[LogEntry], int]:
    """Returns the next entries after a sequence number, and the number of the last one.

    Bodies are cut to `trim` bytes.
    """
    rows = connection.execute(
        f"{_select(trim)}logs.seq > ? ORDER BY logs.seq LIMIT ?", (seq, limit)
    ).fetchall()
    return [_entry(row) for row in rows], rows[-1]["log_seq"] if rows else seq


def timelines_after(
    connection: sqlite3.Connection, seq: int, limit: int
) -> tuple[list[Timeline], int]:
    """Returns the messages of the next entries after a sequence number, and the last one's number.

    A message has up to 100 entries before its new ones. Entries have no bodies.
    """
    new = connection.execute(
        "SELECT seq, message_id FROM logs WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)
    ).fetchall()
    if not new:
        return [], seq
    last_seq: int = new[-1]["seq"]
    found = []
    for message_id, new_count in Counter(row["message_id"] for row in new).items():
        rows = connection.execute(
            f"{_select(0)}logs.message_id = ? AND logs.seq <= ? ORDER BY logs.seq DESC LIMIT ?",
            (message_id, last_seq, new_count + _EARLIER_ENTRIES),
        ).fetchall()
        found.append(Timeline([_entry(row) for row in reversed(rows)], new_count))
    return found, last_seq


def entries_of(connection: sqlite3.Connection, message_id: str) -> list[LogEntry]:
    """Returns the entries of a message, oldest first."""
    return [_entry(row) for row in _rows_of(connection, message_id, "ASC", None)]


def _query(given: Parameters) -> _Query:
    parts = filters.conditions(
        given, filters.LOG_FILTERS, time_column="time_ms", ignored=_NO_FILTERS
    )
    is_oldest_first = given.get("order", ["latestFirst"])[-1] == "earliestFirst"
    order, sign = ("ASC", ">") if is_oldest_first else ("DESC", "<")
    cursor = number(given["cursor"][-1]) if "cursor" in given else None
    return _Query(*filters.where(parts), order, sign, cursor)


def _select(trim: int | None) -> str:
    """Returns the columns of an entry. The database does not read what is trimmed."""
    body, details = "body", "details"
    if trim is not None:
        # A redacted body is listed as its hash, which needs the whole body.
        first = f"ifnull(substr(body, 1, {trim}), x'')"
        body = f"iif(instr(options, 'Upstash-Redact-Fields'), body, {first})"
        base64_length = (trim + 2) // 3 * 4
        details = (
            "iif(instr(details, '\"responseBody\"') AND json_valid(details), "
            "json_set(details, '$.responseBody', "
            f"substr(json_extract(details, '$.responseBody'), 1, {base64_length})), details)"
        )
    return (
        f"SELECT {messages.COLUMNS}, {body} AS body, logs.seq AS log_seq, time_ms, state, "
        f"{details} AS details {_FROM}"
    )


def _rows_of(
    connection: sqlite3.Connection, message_id: str, order: str, trim: int | None
) -> list[sqlite3.Row]:
    """Returns the entries of a message, without bodies if they do not fit on a page."""
    rows, has_more = take_page(
        connection.execute(_select_of_message(order, trim), (message_id,)), sys.maxsize, _SIZED
    )
    if not has_more:
        return rows
    return connection.execute(_select_of_message(order, 0), (message_id,)).fetchall()


def _select_of_message(order: str, trim: int | None) -> str:
    return f"{_select(trim)}logs.message_id = ? ORDER BY logs.seq {order}"


def _entry(row: sqlite3.Row) -> LogEntry:
    return LogEntry(
        time_ms=as_integer(row["time_ms"]),
        state=as_text(row["state"]),
        details_json=row["details"],
        message=messages.from_row(row),
    )

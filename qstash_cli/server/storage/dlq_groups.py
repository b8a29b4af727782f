"""The dead letter queue, grouped by the reason of the failures.

Only the newest entries are read, and only the beginning of each response: a long queue must not
keep deliveries waiting.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from qstash_cli.protocol.failure_reason import HEAD_BYTES, Reason, reason_of
from qstash_cli.server.storage import filters
from qstash_cli.server.storage.columns import as_bytes
from qstash_cli.server.storage.filters import Condition
from qstash_cli.server.storage.message_list import MessageFilter, conditions

MAX_ENTRIES = 10_000


class DlqQuery(NamedTuple):
    """Which entries are selected: those of matching messages, with a reason if there is a key."""

    wanted: MessageFilter = MessageFilter()
    reason_key: str = ""


class GroupedEntry(NamedTuple):
    """An entry without its message's body and its response."""

    seq: int
    id: str
    message_id: str
    created_ms: int


class DlqGroup(NamedTuple):
    """The number of entries with a reason, and the newest of them.

    `before` is the sequence number to continue before, None if there are no older entries.
    """

    reason: Reason
    size: int
    entries: list[GroupedEntry]
    before: int | None


class DlqGroups(NamedTuple):
    """The groups, and the number of all their entries, of which `newest_seq` is the newest.

    `is_cut` if there are more than `MAX_ENTRIES` entries.
    """

    groups: list[DlqGroup]
    total: int
    newest_seq: int
    is_cut: bool


def group(
    connection: sqlite3.Connection, query: DlqQuery, *, before: int | None, limit: int
) -> DlqGroups:
    """Returns the groups, each with its newest entries, or those before a sequence number."""
    found: dict[Reason, list[GroupedEntry]] = {}
    rows = _rows(connection, query.wanted)
    for row in rows[:MAX_ENTRIES]:
        reason = _reason(row)
        if query.reason_key in {"", reason.key}:
            entry = GroupedEntry(row["seq"], row["id"], row["message_id"], row["created_ms"])
            found.setdefault(reason, []).append(entry)
    groups = []
    for reason, entries in found.items():
        older = [one for one in entries if before is None or one.seq < before]
        end = older[limit - 1].seq if len(older) > limit else None
        groups.append(DlqGroup(reason, len(entries), older[:limit], end))
    return DlqGroups(
        groups=groups,
        total=sum(one.size for one in groups),
        newest_seq=max((entries[0].seq for entries in found.values()), default=0),
        is_cut=len(rows) > MAX_ENTRIES,
    )


def select_ids(connection: sqlite3.Connection, query: DlqQuery, *, until: int) -> list[str]:
    """Returns the ids of the entries up to a sequence number."""
    return [
        row["id"]
        for row in _rows(connection, query.wanted)[:MAX_ENTRIES]
        if row["seq"] <= until and query.reason_key in {"", _reason(row).key}
    ]


def _rows(connection: sqlite3.Connection, wanted: MessageFilter) -> list[sqlite3.Row]:
    parts: list[Condition] = conditions(wanted)
    clause, values = filters.where(parts)
    return connection.execute(
        "SELECT dlq.seq, dlq.id, dlq.status, messages.url, "  # noqa: S608 - our own names
        f"substr(dlq.body, 1, {HEAD_BYTES}) AS head, messages.id AS message_id, "
        "messages.created_ms FROM dlq JOIN messages ON messages.id = dlq.message_id "
        f"WHERE {clause} ORDER BY dlq.seq DESC LIMIT {MAX_ENTRIES + 1}",
        values,
    ).fetchall()


def _reason(row: sqlite3.Row) -> Reason:
    return reason_of(row["status"], row["url"], as_bytes(row["head"]).decode(errors="replace"))

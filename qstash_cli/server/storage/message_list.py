"""Messages as a list, newest first, with the state and the response of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from qstash_cli.server.storage import filters, messages
from qstash_cli.server.storage.filters import Condition
from qstash_cli.server.storage.messages import StoredMessage

# What the state of a list means for the columns of a message.
_STATES: Mapping[str, Condition] = {
    "waiting": Condition("messages.status = 'live' AND messages.retried = 0"),
    "retrying": Condition("messages.status = 'live' AND messages.retried > 0"),
    "delivered": Condition("messages.status = 'delivered'"),
    "failed": Condition("messages.status = 'failed'"),
    "cancelled": Condition("messages.status IN ('cancelling', 'cancelled')"),
}
STATES = tuple(_STATES)
_COLUMNS = {"queue": "queue", "group": "topic", "schedule": "schedule_id"}
_LAST_RESPONSE = (
    "(SELECT json_extract(details, '$.responseStatus') FROM logs WHERE message_id = messages.id "
    "AND instr(details, '\"responseStatus\"') AND json_valid(details) ORDER BY seq DESC LIMIT 1)"
)
_ATTEMPTS = "(SELECT count(*) FROM logs WHERE message_id = messages.id AND state = 'ACTIVE')"


class MessageFilter(NamedTuple):
    """Which messages are listed; an empty text does not filter.

    `destination` is a part of the URL, and `text` a part of the id, the URL or the body.
    """

    state: str = ""
    destination: str = ""
    queue: str = ""
    group: str = ""
    label: str = ""
    schedule: str = ""
    text: str = ""


class ListedMessage(NamedTuple):
    """A message without its body, its attempts, and the status of the last response if any."""

    seq: int
    message: StoredMessage
    attempts: int
    response_status: int | None


class MessagePage(NamedTuple):
    """Messages, newest first, and the sequence number to continue before, None at the end."""

    messages: list[ListedMessage]
    before: int | None


def page(
    connection: sqlite3.Connection, wanted: MessageFilter, *, before: int | None, limit: int
) -> MessagePage:
    """Returns the newest messages that match, or those before a sequence number."""
    parts = conditions(wanted)
    if before is not None:
        parts.append(Condition("messages.seq < ?", (before,)))
    clause, values = filters.where(parts)
    rows = connection.execute(
        f"SELECT messages.seq, {messages.COLUMNS}, x'' AS body, {_LAST_RESPONSE} AS response, "  # noqa: S608 - our own names
        f"{_ATTEMPTS} AS attempts FROM messages WHERE {clause} "
        "ORDER BY messages.seq DESC LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    found = [
        ListedMessage(row["seq"], messages.from_row(row), row["attempts"], row["response"])
        for row in rows[:limit]
    ]
    return MessagePage(found, found[-1].seq if len(rows) > limit else None)


def count_states(connection: sqlite3.Connection, wanted: MessageFilter) -> dict[str, int]:
    """Returns the number of messages in each state, among those that match but for the state."""
    clause, values = filters.where(conditions(wanted._replace(state="")))
    sums = ", ".join(f"total({part.sql}) AS {name}" for name, part in _STATES.items())
    row = connection.execute(
        f"SELECT {sums} FROM messages WHERE {clause}",  # noqa: S608 - our own names
        values,
    ).fetchone()
    return {name: int(row[name]) for name in _STATES}


def find_callbacks(connection: sqlite3.Connection, message_id: str) -> list[str]:
    """Returns the ids of the callbacks that report on a message, oldest first."""
    rows = connection.execute(
        "SELECT id FROM messages WHERE callback_of = ? ORDER BY seq", (message_id,)
    )
    return [row["id"] for row in rows]


def find_dlq_id(connection: sqlite3.Connection, message_id: str) -> str | None:
    """Returns the id of the DLQ entry of a message, None if it has none."""
    row = connection.execute("SELECT id FROM dlq WHERE message_id = ?", (message_id,)).fetchone()
    return row["id"] if row else None


def conditions(wanted: MessageFilter) -> list[Condition]:
    """Returns the conditions of a filter on the table `messages`."""
    found = [_STATES[wanted.state]] if wanted.state in _STATES else []
    for field, column in _COLUMNS.items():
        if value := getattr(wanted, field):
            found.append(Condition(f"messages.{column} = ?", (value,)))
    if wanted.label:
        found.append(Condition("instr(messages.labels, ?) > 0", (f",{wanted.label},",)))
    if wanted.destination:
        found.append(Condition("instr(messages.url, ?) > 0", (wanted.destination,)))
    if wanted.text:
        places = ("messages.id", "messages.url", "messages.body")
        matches = " OR ".join(f"instr({place}, ?) > 0" for place in places)
        # SQLite searches bytes in bytes, without decoding them.
        found.append(Condition(f"({matches})", (wanted.text, wanted.text, wanted.text.encode())))
    return found

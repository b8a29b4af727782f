"""Messages in the store: what was published, and the state of its delivery."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from qstash_cli.errors import BadInput
from qstash_cli.protocol.backoff import DEFAULT_RETRIES
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.option_headers import decode, encode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.storage import filters, flow_limits, logs, queues
from qstash_cli.server.storage.columns import as_bytes, as_text
from qstash_cli.server.storage.flow_limits import FlowLimits

# What these options ask for is done once a message is stored.
_APPLIED_OPTIONS = {
    "delay_s", "not_before_s", "dedup_id", "dedup_content",
    "queue", "header_forward", "cron", "schedule_id",
}  # fmt: skip
# The types that an attempt depends on. SQLite does not enforce them.
_TYPES: dict[str, type | tuple[type, ...]] = {
    "url": str, "options": str, "body": (bytes, str), "retried": int, "created_ms": int,
    "not_before_ms": int, "caller_ip": str,
}  # fmt: skip


class NewMessage(NamedTuple):
    """A message before it is stored. Times are in milliseconds of the server's clock."""

    url: str
    options: MessageOptions
    body: bytes
    created_ms: int
    due_ms: int
    caller_ip: str
    url_group: str | None = None
    endpoint: str | None = None
    schedule_id: str | None = None
    queue: str | None = None
    callback_of: str | None = None
    run_seq: int | None = None
    call_type: str | None = None


class StoredMessage(NamedTuple):
    """A message as it is stored.

    `callback_of` is the id of the message that a callback reports on, and `held_queue` the queue of
    that message. `flow` has the limits of the flow control key if this message has just set them.
    `run_seq` is its workflow run and `call_type` its part in it; a delivery has `added_headers`
    too. `type_error` names a column of the wrong type, and is empty for an intact row.
    """

    id: str
    status: str
    due_ms: int
    url: str
    body: bytes
    options_json: str
    created_ms: int
    not_before_ms: int
    caller_ip: str
    ended_ms: int | None = None
    retried: int = 0
    url_group: str | None = None
    endpoint: str | None = None
    schedule_id: str | None = None
    queue: str | None = None
    flow_key: str | None = None
    callback_of: str | None = None
    held_queue: str | None = None
    flow: FlowLimits | None = None
    type_error: str = ""
    run_seq: int | None = None
    call_type: str | None = None
    added_headers: Headers = ()

    @property
    def options(self) -> MessageOptions:
        """The options of the message, or the defaults if the stored ones are damaged."""
        return decode_stored(self.options_json)[0]

    @property
    def damage(self) -> str:
        """Why the stored message cannot be delivered, empty if it can."""
        return self.type_error or decode_stored(self.options_json)[1]

    @property
    def max_retries(self) -> int:
        """The number of attempts after the first one."""
        return DEFAULT_RETRIES if self.options.retries is None else self.options.retries


# The columns from which `from_row` makes a message; the body is the caller's.
COLUMNS = (
    "messages.id, messages.status, messages.due_ms, messages.url, messages.options, "
    "messages.created_ms, messages.not_before_ms, messages.caller_ip, messages.ended_ms, "
    "messages.retried, messages.topic, messages.endpoint, messages.schedule_id, messages.queue, "
    "messages.flow_key, messages.callback_of, messages.run_seq, messages.call_type"
)


def from_row(row: sqlite3.Row) -> StoredMessage:
    """Returns a message from a row with `COLUMNS` and a body."""
    return StoredMessage(
        id=row["id"],
        status=row["status"],
        due_ms=row["due_ms"],
        url=as_text(row["url"]),
        body=as_bytes(row["body"]),
        options_json=row["options"],
        created_ms=row["created_ms"],
        not_before_ms=row["not_before_ms"],
        caller_ip=row["caller_ip"],
        ended_ms=row["ended_ms"],
        retried=row["retried"],
        url_group=row["topic"],
        endpoint=row["endpoint"],
        schedule_id=row["schedule_id"],
        queue=row["queue"],
        flow_key=row["flow_key"],
        callback_of=row["callback_of"],
        type_error=_type_error(row),
        run_seq=row["run_seq"],
        call_type=row["call_type"],
    )


def _type_error(row: sqlite3.Row) -> str:
    for name, kind in _TYPES.items():
        if not isinstance(row[name], kind):
            return f"{name} has the type {type(row[name]).__name__}"
    return ""


# Many messages are published with the same options.
@lru_cache(maxsize=256)
def decode_stored(text: str) -> tuple[MessageOptions, str]:
    """Returns the stored options, and an error if they cannot be decoded at all."""
    try:
        return read_options(stored_headers(text)), ""
    except Exception as fault:  # noqa: BLE001 - a damaged message must not stop the others
        return MessageOptions(), f"options cannot be decoded: {fault}"


def stored_headers(text: str) -> Headers:
    """Returns the header pairs of stored options. Raises an exception if they are damaged."""
    return tuple((str(name), str(value)) for name, value in json.loads(text))


def overridden_options(text: str, overrides: Headers) -> MessageOptions:
    """Returns stored options, which are not damaged, with some option headers replaced.

    Raises `BadInput` if they do not go together.
    """
    names = {name.lower() for name, _ in overrides}
    kept = tuple(header for header in stored_headers(text) if header[0].lower() not in names)
    return decode((*kept, *overrides))


def read_options(pairs: Sequence[Sequence[str]]) -> MessageOptions:
    """Returns the options in stored header pairs.

    A header that an earlier version accepted and this one refuses is logged and ignored, so that
    the message can still be listed and delivered.
    """
    headers: Headers = tuple((name, value) for name, value in pairs)
    try:
        return decode(headers)
    except BadInput:
        return decode(header for header in headers if _is_valid(header))


def _is_valid(header: tuple[str, str]) -> bool:
    try:
        decode([header])
    except BadInput as error:
        logging.getLogger(__name__).warning("ignoring a stored option: %s", error)
        return False
    return True


@lru_cache(maxsize=256)
def encode_options(options: MessageOptions) -> str:
    """Returns the options as they are stored, as the JSON of header pairs."""
    return json.dumps(encode(options, without=_APPLIED_OPTIONS, forwards_all=True))


def insert(
    connection: sqlite3.Connection, new: NewMessage, new_id: Callable[[str], str]
) -> StoredMessage:
    """Stores a message with its first log entry, its queue and the limits of its flow control key.

    The queue and the key are created if they do not exist.
    """
    if new.queue is not None:
        queues.ensure(connection, new.queue, new.created_ms)
    options = new.options
    flow = flow_limits.configure(connection, options)
    message_id = new_id("msg")
    parts = urlsplit(new.url)
    encoded = encode_options(options)
    values = {
        "id": message_id,
        "status": "live",
        "due_ms": new.due_ms,
        "url": new.url,
        "host": parts.hostname or "",
        "path": parts.path or "/",
        "options": encoded,
        "body": new.body,
        "created_ms": new.created_ms,
        "not_before_ms": new.due_ms,
        "caller_ip": new.caller_ip,
        "topic": new.url_group,
        "endpoint": new.endpoint,
        "schedule_id": new.schedule_id,
        "queue": new.queue,
        "callback_of": new.callback_of,
        "flow_key": options.flow_key,
        "labels": f",{','.join(options.label)}," if options.label else "",
        "run_seq": new.run_seq,
        "call_type": new.call_type,
    }
    connection.execute(_insert_statement(tuple(values)), tuple(values.values()))
    logs.add(connection, message_id, "CREATED", new.created_ms, nextDeliveryTime=new.due_ms)
    # Each publish runs this: positional arguments take a third of the time of keywords.
    return StoredMessage(
        message_id, "live", new.due_ms, new.url, new.body, encoded, new.created_ms, new.due_ms,
        new.caller_ip, None, 0, new.url_group, new.endpoint, new.schedule_id, new.queue,
        options.flow_key, new.callback_of, None, flow, "", new.run_seq, new.call_type,
    )  # fmt: skip


@lru_cache
def _insert_statement(columns: tuple[str, ...]) -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO messages ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own


def find(connection: sqlite3.Connection, message_id: str) -> StoredMessage | None:
    """Returns the message with this id, or None."""
    row = connection.execute("SELECT * FROM messages WHERE id = ?", (message_id,)).fetchone()
    return from_row(row) if row else None


def list_live(connection: sqlite3.Connection) -> list[StoredMessage]:
    """Returns all undelivered messages in the order of publishing, without their bodies."""
    rows = connection.execute(
        f"SELECT {COLUMNS}, x'' AS body, (SELECT source.queue FROM messages AS source "  # noqa: S608 - our own
        "WHERE source.id = messages.callback_of) AS held_queue "
        "FROM messages WHERE status = 'live' ORDER BY seq"
    )
    return [from_row(row)._replace(held_queue=row["held_queue"]) for row in rows]


def list_cancelling(connection: sqlite3.Connection) -> list[str]:
    """Returns the ids of the messages that are cancelled once their attempt ends."""
    rows = connection.execute("SELECT id FROM messages WHERE status = 'cancelling'").fetchall()
    return [row["id"] for row in rows]


def list_live_ids(connection: sqlite3.Connection, message_ids: Iterable[str]) -> list[str]:
    """Returns those of these ids that belong to undelivered messages."""
    ids = {"messageIds": list(message_ids)}
    wanted = filters.conditions(ids, filters.MESSAGE_FILTERS, time_column="", ignored=frozenset())
    clause, values = filters.where(wanted)
    rows = connection.execute(
        f"SELECT id FROM messages WHERE status = 'live' AND run_seq IS NULL AND {clause}",  # noqa: S608 - our own names
        values,
    ).fetchall()
    return [row["id"] for row in rows]


def set_due(connection: sqlite3.Connection, message_id: str, due_ms: int) -> None:
    """Changes when a message is to be delivered next."""
    connection.execute("UPDATE messages SET due_ms = ? WHERE id = ?", (due_ms, message_id))


def count_retry(connection: sqlite3.Connection, message_id: str, due_ms: int) -> None:
    """Counts an attempt and changes when the next one is due."""
    connection.execute(
        "UPDATE messages SET retried = retried + 1, due_ms = ? WHERE id = ?", (due_ms, message_id)
    )


def mark_cancelling(connection: sqlite3.Connection, message_id: str) -> None:
    """Marks a message that is cancelled once its attempt ends."""
    connection.execute("UPDATE messages SET status = 'cancelling' WHERE id = ?", (message_id,))


def finish(connection: sqlite3.Connection, message_id: str, status: str, now_ms: int) -> None:
    """Marks a message as delivered, failed or cancelled."""
    connection.execute(
        "UPDATE messages SET status = ?, ended_ms = ? WHERE id = ?", (status, now_ms, message_id)
    )

"""A stored message: what was published, and how far it has come."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from qstash_cli.errors import BadInput
from qstash_cli.protocol.backoff import DEFAULT_RETRIES
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.option_headers import decode, encode
from qstash_cli.protocol.options import MessageOptions

# Guess: how long the deduplication of an id or content lasts from the first publish. Documented.
DEDUPLICATION_MS = 600_000
_TYPES: dict[str, type | tuple[type, ...]] = {
    "url": str, "options": str, "body": (bytes, str), "retried": int, "created_ms": int,
    "not_before_ms": int, "caller_ip": str,
}  # fmt: skip
# What these options say is done once a message is stored.
_SPENT = {
    "delay_s", "not_before_s", "dedup_id", "dedup_content",
    "queue", "header_forward", "cron", "schedule_id",
}  # fmt: skip


class Draft(NamedTuple):
    """A message before it is stored. Times are in server milliseconds."""

    url: str
    options: MessageOptions
    body: bytes
    created_ms: int
    due_ms: int
    caller_ip: str
    topic: str | None = None
    endpoint: str | None = None
    schedule_id: str | None = None
    queue: str | None = None
    callback_of: str | None = None


class Message:
    """A row of the table of messages."""

    def __init__(self, row: sqlite3.Row) -> None:
        self.row = row
        self.id: str = row["id"]
        self.status: str = row["status"]
        self.url = as_text(row["url"])
        self.body = as_bytes(row["body"])
        self.retried: int = row["retried"]
        self.due_ms: int = row["due_ms"]
        self.queue: str | None = row["queue"]

    @cached_property
    def options(self) -> MessageOptions:
        """How it is to be delivered: the defaults if the stored options are damaged."""
        options, _ = _read(self.row["options"])
        return options

    @property
    def damage(self) -> str:
        """Why the stored message cannot be delivered, empty if it can be."""
        for name, kind in _TYPES.items():
            if not isinstance(self.row[name], kind):
                return f"{name} has the type {type(self.row[name]).__name__}"
        _, damage = _read(self.row["options"])
        return damage

    @property
    def max_retries(self) -> int:
        """How many attempts there are after the first one."""
        return DEFAULT_RETRIES if self.options.retries is None else self.options.retries


def as_text(value: object) -> str:
    """What is stored in a column of texts, which SQLite does not enforce."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def as_bytes(value: object) -> bytes:
    """What is stored in a column of bytes, which SQLite does not enforce."""
    return value if isinstance(value, bytes) else str(value).encode()


# Many messages are published with the same options.
@lru_cache(maxsize=256)
def _read(text: str) -> tuple[MessageOptions, str]:
    """The stored options, and what is wrong with them if they cannot be decoded at all."""
    try:
        return read_options(json.loads(text)), ""
    except Exception as fault:  # noqa: BLE001 - whatever a file contains, it stops no other message
        return MessageOptions(), f"options cannot be decoded: {fault}"


def read_options(pairs: Sequence[Sequence[str]]) -> MessageOptions:
    """The options in stored header pairs.

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
def _written(options: MessageOptions) -> str:
    return json.dumps(encode(options, without=_SPENT))


def insert(connection: sqlite3.Connection, draft: Draft, new_id: Callable[[str], str]) -> str:
    """Stores a message with its first log entry and returns its id."""
    message_id = new_id("msg")
    parts = urlsplit(draft.url)
    options = draft.options
    values = {
        "id": message_id,
        "status": "live",
        "due_ms": draft.due_ms,
        "url": draft.url,
        "host": parts.hostname or "",
        "path": parts.path or "/",
        "options": _written(options),
        "body": draft.body,
        "created_ms": draft.created_ms,
        "not_before_ms": draft.due_ms,
        "caller_ip": draft.caller_ip,
        "topic": draft.topic,
        "endpoint": draft.endpoint,
        "schedule_id": draft.schedule_id,
        "queue": draft.queue,
        "callback_of": draft.callback_of,
        "flow_key": options.flow_key,
        "labels": f",{','.join(options.label)}," if options.label else "",
    }
    connection.execute(_insertion(tuple(values)), tuple(values.values()))
    log(connection, message_id, "CREATED", draft.created_ms, nextDeliveryTime=draft.due_ms)
    return message_id


@lru_cache
def _insertion(columns: tuple[str, ...]) -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO messages ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own


def find(connection: sqlite3.Connection, message_id: str) -> Message | None:
    """The message of that id, None if there is none."""
    row = connection.execute("SELECT * FROM messages WHERE id = ?", (message_id,)).fetchone()
    return Message(row) if row else None


def set_due(connection: sqlite3.Connection, message_id: str, due_ms: int) -> None:
    """Change when a message is to be delivered next."""
    connection.execute("UPDATE messages SET due_ms = ? WHERE id = ?", (due_ms, message_id))


def log(
    connection: sqlite3.Connection, message_id: str, state: str, time_ms: int, **details: Any
) -> None:
    """Adds a step to the log of a message."""
    connection.execute(
        "INSERT INTO logs (message_id, time_ms, state, details) VALUES (?, ?, ?, ?)",
        (message_id, time_ms, state, json.dumps(details)),
    )


def last_step_ms(connection: sqlite3.Connection) -> int:
    """When the last step of any message was, 0 if there is none."""
    row = connection.execute("SELECT time_ms FROM logs ORDER BY seq DESC LIMIT 1").fetchone()
    return row["time_ms"] if row else 0

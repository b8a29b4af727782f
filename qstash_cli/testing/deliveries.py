"""The messages of a server as its log describes them, and the search for those of a test. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from qstash_cli.protocol.attempts import History, history_of
from qstash_cli.protocol.message_details import logged_body
from qstash_cli.protocol.records import LogEntry

# A text, bytes, or any other value that the body must be as JSON.
ExpectedBody = Any


class LoggedMessage(NamedTuple):
    """A message with its log entries, newest first."""

    message_id: str
    url: str
    body: bytes
    history: History
    entries: Sequence[LogEntry]

    @property
    def is_delivered(self) -> bool:
        """Whether its destination accepted it."""
        return self.history.state == "DELIVERED"


class Delivery(NamedTuple):
    """A message that was delivered."""

    message_id: str
    url: str
    body: bytes
    attempts: int
    delivered_at: datetime

    @property
    def json(self) -> Any:
        """The body as JSON. Raises `ValueError` if it is not JSON."""
        return json.loads(self.body)


def messages_of(entries: Iterable[LogEntry]) -> list[LoggedMessage]:
    """Returns the messages of log entries, which are newest first, in order of publishing."""
    by_id: dict[str, list[LogEntry]] = {}
    for entry in entries:
        # The last of them is the message whose first entry is the oldest.
        own = by_id.pop(entry["messageId"], [])
        by_id[entry["messageId"]] = [*own, entry]
    return [
        LoggedMessage(
            message_id=message_id,
            url=own[0].get("url") or "",
            body=logged_body(own[0]).data,
            history=history_of(own),
            entries=own,
        )
        for message_id, own in reversed(by_id.items())
    ]


def matches_url(message: LoggedMessage, url: str | None) -> bool:
    """Returns whether a message is for a URL, or for a path such as `/orders` of any host."""
    if url is None:
        return True
    if url.startswith("/"):
        parts = urlsplit(message.url)
        return (f"{parts.path}?{parts.query}" if parts.query else parts.path) == url
    return message.url.rstrip("/") == url.rstrip("/")


def matches_body(message: LoggedMessage, body: ExpectedBody) -> bool:
    """Returns whether a message has a body. None matches any; other values are compared as JSON."""
    if body is None:
        return True
    if isinstance(body, bytes):
        return message.body == body
    if isinstance(body, str):
        return message.body == body.encode()
    try:
        return bool(json.loads(message.body) == body)
    except ValueError:
        return False


def delivery_of(message: LoggedMessage) -> Delivery:
    """Returns a message that is delivered."""
    ended_ms = message.history.ended_at_ms or 0
    return Delivery(
        message_id=message.message_id,
        url=message.url,
        body=message.body,
        attempts=len(message.history.attempts),
        delivered_at=datetime.fromtimestamp(ended_ms / 1000, UTC),
    )


def merged_record(message: LoggedMessage) -> Mapping[str, Any]:
    """Returns the fields that the log knows of a message."""
    return {
        **message.entries[-1],
        **message.entries[0],
        "messageId": message.message_id,
        "createdAt": message.history.created_at_ms,
    }

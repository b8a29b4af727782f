"""Messages as the rows of the console's list. Pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from qstash_cli.server.services.overview import ListedMessage, StoredMessage


class Badge(NamedTuple):
    """A state: the word is displayed and is the name of its colour, the symbol goes before it."""

    word: str
    symbol: str


BADGES = {
    "waiting": Badge("waiting", "○"),
    "active": Badge("active", "●"),
    "retrying": Badge("retrying", "↻"),
    "delivered": Badge("delivered", "✓"),
    "failed": Badge("failed", "✗"),
    "cancelled": Badge("cancelled", "⊘"),
}


class MessageRow(NamedTuple):
    """One row of the list. `created_ms` is unix time; `host` and `path` are parts of the URL."""

    id: str
    badge: Badge
    method: str
    url: str
    host: str
    path: str
    response_status: int | None
    attempts: int
    created_ms: int
    tags: tuple[str, ...]


def row_of(listed: ListedMessage, *, is_in_flight: bool) -> MessageRow:
    """Returns the row of a message."""
    message = listed.message
    parts = urlsplit(message.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return MessageRow(
        id=message.id,
        badge=badge_of(message, is_in_flight=is_in_flight),
        method=message.options.method or "POST",
        url=message.url,
        host=parts.netloc,
        path=path or "/",
        response_status=listed.response_status,
        attempts=listed.attempts,
        created_ms=message.created_ms,
        tags=_tags(message),
    )


def badge_of(message: StoredMessage, *, is_in_flight: bool) -> Badge:
    """Returns the state of a message."""
    if message.status in {"cancelling", "cancelled"}:
        return BADGES["cancelled"]
    if message.status in BADGES:
        return BADGES[message.status]
    if is_in_flight:
        return BADGES["active"]
    return BADGES["retrying" if message.retried else "waiting"]


def _tags(message: StoredMessage) -> tuple[str, ...]:
    named = {
        "queue": message.queue,
        "group": message.url_group,
        "schedule": message.schedule_id,
        "flow": message.flow_key,
    }
    tags = [f"{kind} {name}" for kind, name in named.items() if name]
    tags += [f"callback of {message.callback_of}"] if message.callback_of else []
    return (*tags, *message.options.label)

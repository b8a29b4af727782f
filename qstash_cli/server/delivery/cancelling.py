"""Cancels of messages. Source: QStash docs, "Logs"."""

from __future__ import annotations

from qstash_cli.server.storage import logs, messages
from qstash_cli.server.storage.store import Connection


def cancel(connection: Connection, message_id: str, now_ms: int, *, is_in_flight: bool) -> None:
    """Cancels a live message.

    An attempt in flight is not interrupted. If it succeeds the message is delivered; otherwise the
    message is cancelled when the attempt ends.
    """
    logs.add(connection, message_id, "CANCEL_REQUESTED", now_ms)
    if is_in_flight:
        messages.mark_cancelling(connection, message_id)
    else:
        complete(connection, message_id, now_ms)


def complete_all(connection: Connection, now_ms: int) -> None:
    """Cancels the messages whose attempt was in flight when the server stopped."""
    for message_id in messages.list_cancelling(connection):
        complete(connection, message_id, now_ms)


def complete(connection: Connection, message_id: str, now_ms: int) -> None:
    """Completes the cancel of a message."""
    logs.add(connection, message_id, "CANCELLED", now_ms)
    messages.finish(connection, message_id, "cancelled", now_ms)

"""What a start loads from the store: a row that is damaged is reported, and the others go on."""

from __future__ import annotations

import logging
import reprlib
import sqlite3
from typing import NamedTuple

from qstash_cli.server.delivery import attempts

_logger = logging.getLogger(__name__)


class LiveMessage(NamedTuple):
    """An undelivered message. A callback has the message it reports on, and that one's queue."""

    message_id: str
    due_ms: int
    url: str
    queue: str | None
    flow_key: str | None
    callback_of: str | None
    held_queue: str | None


def load(connection: sqlite3.Connection, now_ms: int) -> list[LiveMessage]:
    """The undelivered messages in their order.

    Completes the cancels of attempts that were in flight, and fails damaged messages.
    """
    attempts.complete_cancels(connection, now_ms)
    found = []
    for row in live(connection):
        message = LiveMessage(*row)
        wrong = _damage(message)
        if wrong is None:
            found.append(message)
        elif isinstance(message.message_id, str):
            attempts.fail_damaged(connection, message.message_id, wrong, now_ms)
        else:
            _logger.warning("a stored message is skipped, its id is damaged: %s",
                            reprlib.repr(row["id"]))  # fmt: skip
    return found


def live(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """The rows of undelivered messages, in the order of `LiveMessage`."""
    return connection.execute(
        "SELECT id, due_ms, url, queue, flow_key, callback_of, (SELECT source.queue FROM messages "
        "AS source WHERE source.id = messages.callback_of) AS held_queue "
        "FROM messages WHERE status = 'live' ORDER BY seq"
    ).fetchall()


def _damage(message: LiveMessage) -> str | None:
    if not isinstance(message.due_ms, int):
        return f"due_ms is not a number: {reprlib.repr(message.due_ms)}"
    for name in ("message_id", "url", "queue", "flow_key", "callback_of", "held_queue"):
        value = getattr(message, name)
        if not isinstance(value, str | None):
            return f"{name} is not a text: {reprlib.repr(value)}"
    return None


def queue_limits(row: sqlite3.Row) -> tuple[int, bool]:
    """The parallelism of a stored queue, 1 if it is damaged, and whether the queue is paused."""
    parallelism, is_paused = row["parallelism"], row["is_paused"]
    if not isinstance(parallelism, int) or parallelism < 1:
        _logger.warning("queue %r delivers one at a time, its parallelism is damaged: %s",
                        row["name"], reprlib.repr(parallelism))  # fmt: skip
        parallelism = 1
    return parallelism, bool(is_paused)

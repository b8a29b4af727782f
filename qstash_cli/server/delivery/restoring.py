"""What a start loads from the store: damaged rows are logged, and the others are delivered."""

from __future__ import annotations

import logging
import reprlib

from qstash_cli.server.delivery import cancelling, damaged
from qstash_cli.server.delivery.workflow_runs import RunContext
from qstash_cli.server.storage import messages
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.queues import Queue
from qstash_cli.server.storage.store import Connection

_logger = logging.getLogger(__name__)


def load(connection: Connection, context: RunContext) -> list[StoredMessage]:
    """Returns the undelivered messages in the order of publishing, without their bodies.

    Completes the cancels of attempts that were in flight, and fails damaged messages.
    """
    cancelling.complete_all(connection, context.now_ms)
    found: list[StoredMessage] = []
    created: list[StoredMessage] = []
    cancelled: set[str] = set()
    for message in messages.list_live(connection):
        damage = _damage(message)
        if damage is None:
            found.append(message)
        elif isinstance(message.id, str):
            end = damaged.fail(connection, message, damage, context)
            created.extend(end.created)
            cancelled.update(end.cancelled)
        else:
            _logger.warning("a stored message is skipped, its id is damaged: %s",
                            reprlib.repr(message.id))  # fmt: skip
    return [one for one in (*found, *created) if one.id not in cancelled]


def _damage(message: StoredMessage) -> str | None:
    if not isinstance(message.due_ms, int):
        return f"due_ms is not a number: {reprlib.repr(message.due_ms)}"
    for name in ("id", "queue", "flow_key", "callback_of", "held_queue"):
        value = getattr(message, name)
        if not isinstance(value, str | None):
            return f"{name} is not a string: {reprlib.repr(value)}"
    return None


def queue_limits(queue: Queue) -> tuple[int, bool]:
    """Returns the parallelism of a stored queue (1 if damaged), and whether it is paused."""
    parallelism = queue.parallelism
    if not isinstance(parallelism, int) or parallelism < 1:
        _logger.warning("queue %r delivers one message at a time, its parallelism is damaged: %s",
                        queue.name, reprlib.repr(parallelism))  # fmt: skip
        parallelism = 1
    return parallelism, bool(queue.is_paused)

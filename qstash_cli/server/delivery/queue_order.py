"""The order of deliveries in each queue. Source: QStash docs, "Queues"."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from qstash_cli.server.delivery.dispatch import PendingMessage


@dataclass
class QueueState:
    """A queue. An active message counts until it and all its callbacks are done.

    `active` has, for each message, the ids of itself and its callbacks that are not done.
    """

    parallelism: int = 1
    is_paused: bool = False
    active: dict[str, set[str]] = field(default_factory=dict)
    waiting: OrderedDict[str, PendingMessage] = field(default_factory=OrderedDict)


class Queueing:
    """Passes the messages of each queue to `deliver`, in their order, when it is their turn."""

    def __init__(self, deliver: Callable[[PendingMessage], None]) -> None:
        self._deliver = deliver
        self._queues: dict[str, QueueState] = {}
        self._place_of: dict[str, tuple[str, str]] = {}

    def set(self, name: str, *, parallelism: int, is_paused: bool) -> None:
        """Changes how a queue delivers; messages in flight are not affected."""
        queue = self._queues.setdefault(name, QueueState())
        queue.parallelism, queue.is_paused = parallelism, is_paused
        self._advance(name)

    def add(self, name: str, pending: PendingMessage) -> None:
        """Appends a message to a queue."""
        self._place_of[pending.message_id] = (name, pending.message_id)
        self._queues.setdefault(name, QueueState()).waiting[pending.message_id] = pending
        self._advance(name)

    def hold(self, name: str, message_id: str, callback_id: str) -> None:
        """Keeps the place of a message until its callback is done too."""
        self._place_of[callback_id] = (name, message_id)
        active = self._queues.setdefault(name, QueueState()).active
        active.setdefault(message_id, set()).add(callback_id)

    def queue_of(self, message_id: str) -> str | None:
        """Returns the queue in which a message waits or is active."""
        name, _ = self._place_of.get(message_id, (None, ""))
        return name

    def leave(self, message_ids: Iterable[str]) -> None:
        """Removes messages that are done or cancelled, and starts the next ones."""
        changed = set()
        for message_id in message_ids:
            name, place = self._place_of.pop(message_id, ("", ""))
            if not name:
                continue
            queue = self._queues[name]
            queue.waiting.pop(message_id, None)
            holders = queue.active.get(place, set())
            holders.discard(message_id)
            if not holders:
                queue.active.pop(place, None)
            changed.add(name)
        for name in changed:
            self._advance(name)

    def _advance(self, name: str) -> None:
        queue = self._queues[name]
        while queue.waiting and not queue.is_paused and len(queue.active) < queue.parallelism:
            message_id, pending = queue.waiting.popitem(last=False)
            queue.active.setdefault(message_id, set()).add(message_id)
            self._deliver(pending)

"""Whose turn it is in each queue. Source: QStash docs, "Queues"."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass
class _Line:
    """A queue. An active message keeps its place until it and all its callbacks are done."""

    parallelism: int = 1
    is_paused: bool = False
    active: dict[str, set[str]] = field(default_factory=dict)
    waiting: OrderedDict[str, int] = field(default_factory=OrderedDict)


class Queueing:
    """Hands out messages in order; `deliver` gets the id and the time of one whose turn it is."""

    def __init__(self, deliver: Callable[[str, int], None]) -> None:
        self._deliver = deliver
        self._lines: dict[str, _Line] = {}
        self._place_of: dict[str, tuple[str, str]] = {}

    def set(self, queue: str, *, parallelism: int, is_paused: bool) -> None:
        """Changes how a queue delivers; what is on its way goes on."""
        line = self._lines.setdefault(queue, _Line())
        line.parallelism, line.is_paused = parallelism, is_paused
        self._advance(queue)

    def add(self, queue: str, message_id: str, due_ms: int) -> None:
        """Puts a message at the end of a queue."""
        self._place_of[message_id] = (queue, message_id)
        self._lines.setdefault(queue, _Line()).waiting[message_id] = due_ms
        self._advance(queue)

    def hold(self, queue: str, message_id: str, callback_id: str) -> None:
        """Lets the next ones wait for a callback of a message too."""
        self._place_of[callback_id] = (queue, message_id)
        active = self._lines.setdefault(queue, _Line()).active
        active.setdefault(message_id, set()).add(callback_id)

    def queue_of(self, message_id: str) -> str | None:
        """The queue in which a message waits or is active."""
        queue, _ = self._place_of.get(message_id, (None, ""))
        return queue

    def leave(self, message_ids: Iterable[str]) -> None:
        """Lets the next ones go on in place of messages that are done or cancelled."""
        left = set()
        for message_id in message_ids:
            queue, place = self._place_of.pop(message_id, ("", ""))
            if not queue:
                continue
            line = self._lines[queue]
            line.waiting.pop(message_id, None)
            holders = line.active.get(place, set())
            holders.discard(message_id)
            if not holders:
                line.active.pop(place, None)
            left.add(queue)
        for queue in left:
            self._advance(queue)

    def _advance(self, queue: str) -> None:
        line = self._lines[queue]
        while line.waiting and not line.is_paused and len(line.active) < line.parallelism:
            message_id, due_ms = line.waiting.popitem(last=False)
            line.active.setdefault(message_id, set()).add(message_id)
            self._deliver(message_id, due_ms)

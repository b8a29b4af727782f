"""Decides which faults each attempt gets."""

from __future__ import annotations

from qstash_cli.protocol.faults import FaultPlan, Faults, faults_of
from qstash_cli.server.storage import message_numbers
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.store import Connection

_BLOCK = 1000
# A callback may have callbacks of its own.
_MAX_DEPTH = 10


class FaultInjection:
    """Decides by a plan and a seed.

    A message is identified by its number in the order of publishing. Callbacks do not count there,
    since they are published when a delivery happens to end: they are identified by the message
    that they report on, and by their number among its callbacks.
    """

    def __init__(self, plan: FaultPlan, seed: int) -> None:
        self._plan = plan
        self._seed = seed
        # The number of callbacks before each block of sequence numbers that has been needed.
        self._before_block = [0]

    def faults_of(self, connection: Connection, message: StoredMessage) -> Faults:
        """Returns the faults of the next attempt of a message."""
        number = self._number(connection, message.id, _MAX_DEPTH)
        return faults_of(self._plan, self._seed, number, message.retried + 1)

    def _number(self, connection: Connection, message_id: str, depth: int) -> str:
        place = message_numbers.place_of(connection, message_id)
        if place is None or depth == 0:
            return message_id
        parent_id = place.callback_of
        parent = message_numbers.place_of(connection, parent_id) if parent_id else None
        if parent_id is None or parent is None:
            return str(place.seq - self._callbacks_before(connection, place.seq))
        ordinal = message_numbers.count_callbacks(connection, parent.seq, place.seq, parent_id) + 1
        return f"{self._number(connection, parent_id, depth - 1)}.{ordinal}"

    def _callbacks_before(self, connection: Connection, seq: int) -> int:
        """Counts the callbacks before a sequence number; those of earlier blocks only once."""
        block = seq // _BLOCK
        while len(self._before_block) <= block:
            start = (len(self._before_block) - 1) * _BLOCK
            count = message_numbers.count_callbacks(connection, start - 1, start + _BLOCK)
            self._before_block.append(self._before_block[-1] + count)
        within = message_numbers.count_callbacks(connection, block * _BLOCK - 1, seq)
        return self._before_block[block] + within

"""Plans an attempt: what is sent, signed with which key, and with which faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qstash_cli.protocol.faults import NO_FAULTS, Faults
from qstash_cli.protocol.headers import Headers
from qstash_cli.server.delivery import attempts
from qstash_cli.server.delivery.injection import FaultInjection
from qstash_cli.server.delivery.workflow_runs import RunContext, RunEnd
from qstash_cli.server.storage import keys, logs
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.store import Connection

# Takes the message, when the attempt starts, and its number among those of the same millisecond.
TracedHeaders = Callable[[StoredMessage, int, int], Headers]


class AttemptPlan(NamedTuple):
    """An attempt that has begun. `headers` are those of the publisher, as they are forwarded."""

    message: StoredMessage
    signing_key: str
    headers: Headers
    faults: Faults = NO_FAULTS


class Planner:
    """Plans attempts. `traced` returns the headers of an attempt whose span is exported."""

    def __init__(self, injection: FaultInjection | None, traced: TracedHeaders | None) -> None:
        self._injection = injection
        self._traced = traced

    def begin(
        self, connection: Connection, message_id: str, context: RunContext
    ) -> AttemptPlan | RunEnd:
        """Begins an attempt, or returns what follows if the message must not be delivered."""
        now_ms = context.now_ms
        found = attempts.begin(connection, message_id, context)
        if isinstance(found, RunEnd):
            return found
        faults, headers = NO_FAULTS, found.options.headers
        if self._injection is not None:
            faults = self._injection.faults_of(connection, found)
        if self._traced is not None:
            number = logs.count_at(connection, message_id, "ACTIVE", now_ms)
            headers = self._traced(found, now_ms, number)
        return AttemptPlan(found, keys.read(connection).current, headers, faults)

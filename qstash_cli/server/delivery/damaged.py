"""Messages whose stored rows are damaged: they fail, and so do the workflow runs they belong to."""

from __future__ import annotations

import logging

from qstash_cli.server.delivery import workflows
from qstash_cli.server.delivery.http_attempt import AttemptResponse
from qstash_cli.server.delivery.workflow_runs import RunContext, RunEnd
from qstash_cli.server.storage import dlq, logs, messages
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.store import Connection

_logger = logging.getLogger(__name__)


def fail(
    connection: Connection, message: StoredMessage, damage: str, context: RunContext
) -> RunEnd:
    """Moves a message that cannot be delivered to the DLQ, logs a warning, and ends its run."""
    error, now_ms = f"the stored message is damaged: {damage}", context.now_ms
    _logger.warning("message %r failed: %s", message.id, error)
    logs.add(connection, message.id, "ERROR", now_ms, error=error)
    dlq_id = dlq.add(connection, message.id, 0, {}, error.encode(), now_ms)
    logs.add(connection, message.id, "FAILED", now_ms, error=error)
    messages.finish(connection, message.id, "failed", now_ms)
    if message.run_seq is None:
        return RunEnd()
    outcome = workflows.Outcome(AttemptResponse(error=error), dlq_id, is_last=True)
    return workflows.fail_damaged(connection, message, outcome, context)

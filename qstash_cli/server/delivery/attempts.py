"""The steps of a message's life in the store. Source: QStash docs, "Logs", "Retry", "Dead letter
queue".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from qstash_cli.protocol import backoff
from qstash_cli.protocol.headers import as_lists
from qstash_cli.server.delivery import callbacks, cancelling, damaged, workflows
from qstash_cli.server.delivery.http_attempt import AttemptResponse, failed
from qstash_cli.server.delivery.workflow_runs import RunContext, RunEnd
from qstash_cli.server.delivery.workflows import Outcome
from qstash_cli.server.storage import dlq, logs, messages
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.store import Connection, run_or_undo


class AttemptResult(NamedTuple):
    """What follows an attempt: the time of the next attempt, if there is one, and the callbacks.

    `run_end` has the changes of the workflow run that the message belongs to.
    """

    retry_at_ms: int | None = None
    callbacks: tuple[StoredMessage, ...] = ()
    run_end: RunEnd = RunEnd()


class AttemptContext(NamedTuple):
    """What an attempt depends on: the server's time, the system's time, and how ids are made.

    `is_in_flight` says whether another message is being delivered.
    """

    now_ms: int
    now_s: float
    new_id: Callable[[str], str]
    is_in_flight: Callable[[str], bool]


def begin(connection: Connection, message_id: str, context: RunContext) -> StoredMessage | RunEnd:
    """Returns the message to deliver now, or what follows if it must not be delivered any more."""
    now_ms = context.now_ms
    found = messages.find(connection, message_id)
    if found is not None and found.status == "cancelling":
        cancelling.complete(connection, message_id, now_ms)
    if found is None or found.status != "live":
        return RunEnd()
    prepared = _prepare(connection, found, now_ms)
    if isinstance(prepared, str):
        return damaged.fail(connection, found, prepared, context)
    if prepared is None:
        cancelling.complete(connection, message_id, now_ms)
        return RunEnd()
    logs.add(connection, message_id, "ACTIVE", now_ms)
    return prepared


def _prepare(
    connection: Connection, message: StoredMessage, now_ms: int
) -> StoredMessage | str | None:
    """Returns a message as it is delivered, why it cannot be, or None if its run has ended."""
    if message.damage:
        return message.damage
    if message.run_seq is None:
        return message
    return run_or_undo(
        connection,
        lambda: workflows.prepare(connection, message, now_ms),
        lambda error: f"its workflow run cannot be read: {error}",
    )


def end(
    connection: Connection,
    message: StoredMessage,
    response: AttemptResponse,
    context: AttemptContext,
) -> AttemptResult:
    """Stores the result of an attempt.

    A response that cannot be stored counts as a failed attempt: delivered again, it could not be
    stored again. Raises what the database raises.
    """
    return run_or_undo(
        connection,
        lambda: _end(connection, message, response, context),
        lambda error: _end(connection, message, failed(error), context),
    )


def _end(
    connection: Connection,
    message: StoredMessage,
    response: AttemptResponse,
    context: AttemptContext,
) -> AttemptResult:
    now_ms = context.now_ms
    response = workflows.checked(connection, message, response)
    if response.is_success:
        logs.add(connection, message.id, "DELIVERED", now_ms, **_details(response))
        messages.finish(connection, message.id, "delivered", now_ms)
        return _result(connection, message, Outcome(response, None, is_last=True), context)
    error = response.error or _status_text(response.status)
    logs.add(connection, message.id, "ERROR", now_ms, error=error, **_details(response))
    current = messages.find(connection, message.id)
    is_over = workflows.is_over(connection, message)
    if current is None or current.status == "cancelling" or is_over:
        cancelling.complete(connection, message.id, now_ms)
        return AttemptResult()
    if message.retried < message.max_retries and not response.is_final:
        retry_at_ms = now_ms + backoff.delay_ms(
            message.retried + 1, message.options.retry_delay, response.headers, context.now_s
        )
        messages.count_retry(connection, message.id, retry_at_ms)
        logs.add(connection, message.id, "RETRY", now_ms, nextDeliveryTime=retry_at_ms)
        outcome = Outcome(response, None, is_last=False)
        return _result(connection, message, outcome, context)._replace(retry_at_ms=retry_at_ms)
    dlq_id = None
    if workflows.enters_dlq(message):
        dlq_id = _add_to_dlq(connection, message.id, response, now_ms)
    logs.add(connection, message.id, "FAILED", now_ms, error=error, **_details(response))
    messages.finish(connection, message.id, "failed", now_ms)
    return _result(connection, message, Outcome(response, dlq_id, is_last=True), context)


def _add_to_dlq(
    connection: Connection, message_id: str, response: AttemptResponse, now_ms: int
) -> str:
    headers, body = as_lists(response.headers), response.body or response.error.encode()
    return dlq.add(connection, message_id, response.status, headers, body, now_ms)


def _result(
    connection: Connection, message: StoredMessage, outcome: Outcome, context: AttemptContext
) -> AttemptResult:
    """Stores the callbacks of a message, or what follows in the workflow run it belongs to."""
    if message.run_seq is not None:
        run_context = RunContext(context.now_ms, context.new_id, context.is_in_flight)
        return AttemptResult(run_end=workflows.follow(connection, message, outcome, run_context))
    created = tuple(
        messages.insert(connection, new, context.new_id)
        for new in callbacks.new_callbacks(
            message, outcome.response, outcome.dlq_id, context.now_ms
        )
    )
    return AttemptResult(callbacks=created)


def _details(response: AttemptResponse) -> dict[str, Any]:
    faults = {"injectedFaults": list(response.faults)} if response.faults else {}
    if not response.status:
        return faults
    return {
        **faults,
        "responseStatus": response.status,
        "responseHeader": as_lists(response.headers),
        "responseBody": b64encode(response.body).decode(),
    }


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)

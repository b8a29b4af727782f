"""Attempts of messages that belong to a workflow run: what is delivered, and what follows."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from dataclasses import replace
from typing import NamedTuple

from qstash_cli.protocol import workflow
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.workflow_steps import (
    RawStep,
    encode_steps,
    encoded_bytes,
    timed_out_step,
)
from qstash_cli.server.delivery import callbacks
from qstash_cli.server.delivery.http_attempt import AttemptResponse
from qstash_cli.server.delivery.workflow_runs import RunContext, RunEnd, end_run
from qstash_cli.server.storage import messages, workflow_runs, workflow_steps, workflow_waits
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.store import Connection, run_or_undo
from qstash_cli.server.storage.workflow_runs import Run

_logger = logging.getLogger(__name__)
_FAILURE_FUNCTION_MISSING = "upstash-workflow-failure-callback-notfound"


class Outcome(NamedTuple):
    """An attempt that has ended. `dlq_id` is set if it failed and entered the DLQ."""

    response: AttemptResponse
    dlq_id: str | None
    is_last: bool


def prepare(connection: Connection, message: StoredMessage, now_ms: int) -> StoredMessage | None:
    """Returns a message of a run as it is delivered now, or None if the run has ended.

    The body is the list of steps up to the step that the message delivers.
    """
    run = _run_of(connection, message)
    if run is None or not (run.is_live or message.call_type == workflow.FAILURE_CALL):
        return None
    if run.damage:
        raise ValueError(run.damage)
    if message.call_type == workflow.TO_CALLBACK:
        return message
    body = message.body
    if message.call_type == workflow.STEP:
        _time_out(connection, run, message.id, now_ms)
        body = _steps_until(connection, run, message)
    elif message.call_type == workflow.FROM_CALLBACK:
        body = encode_steps([RawStep(message.id, body, workflow.FROM_CALLBACK)])
    options = message.options
    added = workflow.delivery_headers(
        run.id, run.url, run.created_ms, message.call_type or workflow.STEP, options.headers
    )
    labels = ",".join(options.label)
    if labels and not any(name.lower() == "upstash-label" for name, _ in options.headers):
        added = (*added, ("Upstash-Label", labels))
    return message._replace(body=body, added_headers=added)


def checked(
    connection: Connection, message: StoredMessage, response: AttemptResponse
) -> AttemptResponse:
    """Returns the response to an attempt, rejected if it is not that of a workflow."""
    is_of_endpoint = message.call_type in {workflow.STEP, workflow.FROM_CALLBACK}
    if message.run_seq is None or not (is_of_endpoint and response.is_success):
        return response
    run = _run_of(connection, message)
    if any(name.lower() == workflow.SDK_VERSION.lower() for name, _ in response.headers):
        if run is not None and run.is_untested:
            workflow_runs.mark_tested(connection, run.seq)
        return response
    is_untested = run is not None and run.is_untested
    error = workflow.NOT_TRIGGERABLE if is_untested else workflow.NOT_A_WORKFLOW
    return response._replace(error=error, is_rejected=True)


def is_over(connection: Connection, message: StoredMessage) -> bool:
    """Returns whether a message belongs to a run that has ended, and needs no further attempt."""
    if message.run_seq is None or message.call_type == workflow.FAILURE_CALL:
        return False
    run = _run_of(connection, message)
    return run is None or not run.is_live


def enters_dlq(message: StoredMessage) -> bool:
    """Returns whether a failed message enters the DLQ; a failed call is a result for its run."""
    return message.call_type not in {workflow.TO_CALLBACK, workflow.FAILURE_CALL}


def follow(
    connection: Connection, message: StoredMessage, outcome: Outcome, context: RunContext
) -> RunEnd:
    """Stores what follows an attempt of a message that belongs to a run."""
    run = _run_of(connection, message)
    if run is None:
        return RunEnd()
    if message.call_type == workflow.FAILURE_CALL:
        marks = {name.lower() for name, _ in outcome.response.headers}
        if outcome.response.is_success and _FAILURE_FUNCTION_MISSING in marks:
            workflow_runs.set_failure_message(connection, run.seq, None)
        return RunEnd()
    if not run.is_live:
        return RunEnd()
    if message.call_type == workflow.TO_CALLBACK:
        return RunEnd(_call_result(connection, run, message, outcome, context))
    if outcome.dlq_id is None:
        return RunEnd()
    return _fail(connection, run, message, outcome, context)


def fail_damaged(
    connection: Connection, message: StoredMessage, outcome: Outcome, context: RunContext
) -> RunEnd:
    """Ends the run of a message that cannot be delivered, as failed.

    If what follows the failure cannot be read either, neither the failure function nor the run
    that invoked this one gets a result.
    """
    run = _run_of(connection, message)
    if run is None or not run.is_live:
        return RunEnd()
    readable = message._replace(options_json="[]", type_error="")

    def without_reports(error: Exception) -> RunEnd:
        _logger.warning("the failure of workflow run %r is not reported: %s", run.id, error)
        orphan = run._replace(invoker_seq=None)
        return end_run(connection, orphan, workflow.FAILED, context, dlq_id=outcome.dlq_id)

    return run_or_undo(
        connection, lambda: _fail(connection, run, readable, outcome, context), without_reports
    )


def new_failure_callback(
    connection: Connection,
    run: Run,
    message: StoredMessage,
    report: callbacks.Report,
    context: RunContext,
) -> StoredMessage | None:
    """Stores the message that reports the failure of a run, None without a callback."""
    options = run.options if message.options.failure_callback is None else message.options
    if options.failure_callback is None:
        return None
    payload = workflow_steps.initial_payload(connection, run.seq)
    body = report | {
        "workflowRunId": run.id,
        "workflowCreatedAt": run.created_ms,
        "workflowUrl": run.url,
        "sourceBody": b64encode(payload).decode(),
    }
    own = options.on_failure_callback or MessageOptions()
    own = replace(own, label=own.label or options.label, redact=own.redact or options.redact)
    new = callbacks.new_callback(
        message, options.failure_callback, own, json.dumps(body).encode(), context.now_ms
    )
    stored = messages.insert(
        connection,
        new._replace(run_seq=run.seq, call_type=workflow.FAILURE_CALL),
        context.new_id,
    )
    workflow_runs.set_failure_message(connection, run.seq, stored.id)
    return stored


def _run_of(connection: Connection, message: StoredMessage) -> Run | None:
    return None if message.run_seq is None else workflow_runs.find(connection, message.run_seq)


def _time_out(connection: Connection, run: Run, message_id: str, now_ms: int) -> None:
    """Appends the step that a message waits with, if the wait has timed out."""
    wait = workflow_waits.take(connection, message_id)
    if wait is not None:
        body = timed_out_step(wait.step, wait.event_id)
        raw = RawStep(message_id, body, workflow.STEP)
        workflow_steps.append(connection, run.seq, wait.key, raw, now_ms)


def _steps_until(connection: Connection, run: Run, message: StoredMessage) -> bytes:
    seq = workflow_steps.find_seq(connection, message.id)
    if seq is None:
        # Another message delivers the initial payload again, with more headers.
        seq = workflow_steps.first_seq(connection, run.seq)
    size = workflow_steps.size_until(connection, run.seq, seq)
    if encoded_bytes(size.body_bytes, size.steps) > workflow.MAX_DELIVERED_BYTES:
        return b""
    return encode_steps(workflow_steps.list_until(connection, run.seq, seq))


def _call_result(
    connection: Connection,
    run: Run,
    message: StoredMessage,
    outcome: Outcome,
    context: RunContext,
) -> tuple[StoredMessage, ...]:
    options = message.options
    if options.callback is None:
        return ()
    report = callbacks.report(message, outcome.response, None)
    if outcome.is_last and not outcome.response.is_success:
        # The SDK waits for another attempt unless both are equal.
        report["retried"] = message.max_retries
    own = workflow.inherit(run.options, options.on_callback or MessageOptions())
    new = callbacks.new_callback(
        message, options.callback, own, json.dumps(report).encode(), context.now_ms
    )
    stored = messages.insert(
        connection,
        new._replace(run_seq=run.seq, call_type=workflow.FROM_CALLBACK),
        context.new_id,
    )
    raw = RawStep(stored.id, stored.body, workflow.FROM_CALLBACK)
    workflow_steps.append(connection, run.seq, f"result:{stored.id}", raw, context.now_ms)
    return (stored,)


def _fail(
    connection: Connection,
    run: Run,
    message: StoredMessage,
    outcome: Outcome,
    context: RunContext,
) -> RunEnd:
    report = callbacks.report(message, outcome.response, outcome.dlq_id)
    end = end_run(connection, run, workflow.FAILED, context, dlq_id=outcome.dlq_id)
    callback = new_failure_callback(connection, run, message, report, context)
    return end if callback is None else end._replace(created=(*end.created, callback))

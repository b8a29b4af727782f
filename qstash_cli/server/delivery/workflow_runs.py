"""Changes of a workflow run: submitting steps, and ending the run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from qstash_cli.protocol import workflow
from qstash_cli.protocol.option_headers import decode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.workflow import RunState
from qstash_cli.protocol.workflow_steps import RawStep, invoked_step, step_key
from qstash_cli.server.delivery import cancelling
from qstash_cli.server.storage import messages, workflow_runs, workflow_steps
from qstash_cli.server.storage.messages import NewMessage, StoredMessage
from qstash_cli.server.storage.store import Connection
from qstash_cli.server.storage.workflow_runs import Run

_logger = logging.getLogger(__name__)


class RunContext(NamedTuple):
    """What a change depends on: the server's time, new ids, and which messages are in flight."""

    now_ms: int
    new_id: Callable[[str], str]
    is_in_flight: Callable[[str], bool]


class Submission(NamedTuple):
    """A step that is submitted to a run, how it is delivered, and when it is due."""

    key: str
    body: bytes
    options: MessageOptions
    url: str
    due_ms: int
    caller_ip: str
    call_type: str = workflow.STEP


class RunEnd(NamedTuple):
    """What follows the end of a run: messages to deliver, and the ids of those to remove."""

    created: tuple[StoredMessage, ...] = ()
    cancelled: tuple[str, ...] = ()


def submit(
    connection: Connection, run: Run, submission: Submission, context: RunContext
) -> StoredMessage:
    """Appends a step to a run, and stores the message that delivers it.

    Both are changes of one transaction: after a crash, either both exist or neither.
    """
    is_due = submission.due_ms <= context.now_ms
    message = messages.insert(
        connection,
        NewMessage(
            url=submission.url,
            options=submission.options,
            body=submission.body,
            created_ms=context.now_ms,
            due_ms=submission.due_ms,
            caller_ip=submission.caller_ip,
            # A step that sleeps must not hold up its queue.
            queue=run.queue if is_due and submission.call_type == workflow.STEP else None,
            run_seq=run.seq,
            call_type=submission.call_type,
        ),
        context.new_id,
    )
    raw = RawStep(message.id, submission.body, submission.call_type)
    workflow_steps.append(connection, run.seq, submission.key, raw, context.now_ms)
    return message


def end_run(
    connection: Connection,
    run: Run,
    state: RunState,
    context: RunContext,
    *,
    response: bytes | None = None,
    dlq_id: str | None = None,
) -> RunEnd:
    """Ends a run: cancels its undelivered messages, and wakes the run that invoked it."""
    workflow_runs.end(connection, run.seq, state, context.now_ms, response=response, dlq_id=dlq_id)
    left = workflow_runs.list_undelivered(connection, run.seq)
    # The attempt that ends the run is in flight, and must still be delivered.
    cancelled = tuple(one for one in left if not context.is_in_flight(one))
    for message_id in cancelled:
        cancelling.cancel(connection, message_id, context.now_ms, is_in_flight=False)
    woken = _wake_invoker(connection, run, state, response, context)
    return RunEnd(woken, cancelled)


def _wake_invoker(
    connection: Connection,
    run: Run,
    state: RunState,
    response: bytes | None,
    context: RunContext,
) -> tuple[StoredMessage, ...]:
    if run.invoker_seq is None:
        return ()
    parent, invoker = workflow_runs.find(connection, run.invoker_seq), run.invoker
    if parent is None or not parent.is_live:
        _logger.warning("dropped the result of workflow run %r: its invoker has ended", run.id)
        return ()
    step = invoker["step"]
    if workflow_steps.find_message(connection, parent.seq, step_key(step)) is not None:
        return ()
    body = invoked_step(
        step,
        response,
        is_failed=state == workflow.FAILED,
        is_canceled=state == workflow.CANCELED,
    )
    options = workflow.inherit(parent.options, decode(header_pairs(invoker["headers"])))
    submission = Submission(
        step_key(step), body, options, invoker["url"], context.now_ms, run.caller_ip
    )
    return (submit(connection, parent, submission, context),)


def header_pairs(lists: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the headers of a JSON object whose values are lists of strings."""
    return [
        (name, str(value))
        for name, values in lists.items()
        for value in (values if isinstance(values, list) else [values])
    ]

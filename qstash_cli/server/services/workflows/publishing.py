"""Publishing messages of workflows: the trigger of a run, its steps and its calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from qstash_cli.errors import BadInput
from qstash_cli.protocol import workflow
from qstash_cli.protocol.destination import validate_url
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.option_headers import decode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.workflow import WorkflowHeaders
from qstash_cli.protocol.workflow_steps import (
    INIT_KEY,
    call_key,
    parse_step,
    step_key,
    validate_step,
)
from qstash_cli.server.delivery.workflow_runs import RunContext, Submission, header_pairs, submit
from qstash_cli.server.services.publish_rules import PublishRequest, due_ms
from qstash_cli.server.services.workflows.refusals import refused, run_ended
from qstash_cli.server.storage import messages, workflow_runs, workflow_steps
from qstash_cli.server.storage.messages import NewMessage, StoredMessage
from qstash_cli.server.storage.store import Connection
from qstash_cli.server.storage.workflow_runs import NewRun, Run

T = TypeVar("T")
NewId = Callable[[str], str]
_LONGEST_ID = 256


class RunMessage(NamedTuple):
    """The response to a message of a workflow, its run, and the stored message if it is new."""

    content: dict[str, Any]
    run: Run
    messages: tuple[StoredMessage, ...] = ()


class _Trigger(NamedTuple):
    """The payload of a run, and the step that waits for its result if it is invoked."""

    payload: bytes
    invoker_seq: int | None = None
    invoker: dict[str, Any] | None = None


def store(
    connection: Connection,
    request: PublishRequest,
    options: MessageOptions,
    headers: WorkflowHeaders,
    new_id: NewId,
) -> RunMessage:
    """Stores a message with workflow headers, in the transaction that appends it to its run.

    Raises `ApiError` if the message is not valid, with the status 400 if the run is not live.
    """
    context = RunContext(request.now_ms, new_id, lambda _message_id: False)
    if headers.is_init:
        return _trigger(connection, request, options, headers, context)
    run = live_run(connection, headers.run_id, headers.created_at)
    if headers.call_type == workflow.TO_CALLBACK:
        own = options.on_callback or MessageOptions()
        key = _valid(lambda: call_key(own.headers))
        options = workflow.call_options(run.options, options)
    elif headers.call_type == workflow.STEP:
        key = _valid(lambda: step_key(parse_step(request.body)))
        options = workflow.inherit(run.options, options)
    else:
        raise refused(
            501, f"the workflow call type {headers.call_type!r} is not supported in a publish"
        )
    known = workflow_steps.find_message(connection, run.seq, key)
    if known is not None:
        return _duplicate(known, run)
    validate_size(run, request.body)
    submission = Submission(
        key,
        request.body,
        options,
        request.destination,
        due_ms(request, options),
        request.caller_ip,
        headers.call_type,
    )
    message = submit(connection, run, submission, context)
    return RunMessage({"messageId": message.id}, run, (message,))


def live_run(connection: Connection, run_id: str, created_at: str = "") -> Run:
    """Returns a run that has not ended. Raises `ApiError` 400.

    `created_at` is the time of the run as the SDK knows it, if it does: an earlier run may have had
    the same id.
    """
    run = workflow_runs.find_live(connection, run_id)
    if run is None or (created_at and created_at != str(run.created_ms)):
        raise run_ended(run_id)
    return run


def validate_size(run: Run, more: bytes) -> None:
    """Raises `ApiError` 412, on which the SDK gives up, if a run would become too large."""
    if run.size_bytes + len(more) > workflow.MAX_RUN_BYTES:
        limit = workflow.MAX_RUN_BYTES
        raise refused(412, f"quota maxWorkflowSize exceeded, current limit: {limit}")


def _trigger(
    connection: Connection,
    request: PublishRequest,
    options: MessageOptions,
    headers: WorkflowHeaders,
    context: RunContext,
) -> RunMessage:
    run_id = validate_id(headers.run_id or context.new_id("wfr"), "workflow run")
    if len(run_id) > _LONGEST_ID:
        raise refused(413, f"the workflow run id is longer than {_LONGEST_ID} characters")
    live = workflow_runs.find_live(connection, run_id)
    if live is not None and headers.is_phase_two and workflow.awaits_second_phase(live.options):
        return _second_phase(connection, request, options, live, context)
    if live is not None:
        known = workflow_steps.find_message(connection, live.seq, INIT_KEY)
        return _duplicate(known or "", live)
    if headers.is_unknown_sdk:
        options = replace(options, headers=(*options.headers, (workflow.UNKNOWN_SDK, "true")))
    trigger = _Trigger(request.body)
    if headers.is_invoke:
        trigger = _invocation(connection, request.body)
        known_run = _invoked(connection, trigger)
        if known_run is not None:
            known = workflow_steps.find_message(connection, known_run.seq, INIT_KEY)
            return _duplicate(known or "", known_run)
    new = NewRun(
        id=run_id,
        url=request.destination,
        options=options,
        caller_ip=request.caller_ip,
        created_ms=request.now_ms,
        queue=request.queue or options.queue,
        is_untested=headers.is_untested,
        invoker_seq=trigger.invoker_seq,
        invoker=trigger.invoker,
    )
    run = workflow_runs.insert(connection, new)
    due = due_ms(request, options)
    submission = Submission(INIT_KEY, trigger.payload, options, run.url, due, request.caller_ip)
    message = submit(connection, run, submission, context)
    return RunMessage({"messageId": message.id}, run, (message,))


def _second_phase(
    connection: Connection,
    request: PublishRequest,
    options: MessageOptions,
    run: Run,
    context: RunContext,
) -> RunMessage:
    """Delivers the initial payload again, with the headers that the endpoint has added."""
    options = workflow.second_phase(run.options, options)
    workflow_runs.set_options(connection, run.seq, options)
    new = NewMessage(
        url=run.url,
        options=options,
        body=workflow_steps.initial_payload(connection, run.seq),
        created_ms=request.now_ms,
        due_ms=due_ms(request, options),
        caller_ip=request.caller_ip,
        queue=run.queue,
        run_seq=run.seq,
        call_type=workflow.STEP,
    )
    message = messages.insert(connection, new, context.new_id)
    workflow_steps.set_message(connection, run.seq, INIT_KEY, message.id)
    return RunMessage({"messageId": message.id}, run, (message,))


def _invocation(connection: Connection, body: bytes) -> _Trigger:
    """Returns the trigger in the body of an `invoke`. Raises `ApiError` if it is not valid."""
    try:
        given = json.loads(body)
        step = validate_step(given["step"])
        url, headers, run_id = (
            given["workflowUrl"],
            given.get("headers") or {},
            given["workflowRunId"],
        )
    except BadInput as error:
        raise refused(422, f"invalid invocation of a workflow: {error.message}") from None
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise refused(422, "the invocation of a workflow is not valid") from None
    payload = given.get("body")
    if not (isinstance(url, str) and isinstance(headers, dict) and isinstance(run_id, str)):
        raise refused(422, "the invocation of a workflow is not valid")
    _valid(lambda: validate_url(url))
    # The headers are decoded again when the invoked run ends.
    _valid(lambda: decode(header_pairs(headers)))
    parent = live_run(connection, run_id, str(given.get("workflowRunCreatedAt") or ""))
    return _Trigger(
        payload=payload.encode(errors="surrogatepass") if isinstance(payload, str) else b"",
        invoker_seq=parent.seq,
        invoker={
            "url": url,
            "headers": headers,
            "step": step,
            "workflowRunId": parent.id,
            "workflowUrl": parent.url,
            "workflowRunCreatedAt": parent.created_ms,
        },
    )


def _invoked(connection: Connection, trigger: _Trigger) -> Run | None:
    """Returns the run that a step has invoked already, or None."""
    if trigger.invoker_seq is None or trigger.invoker is None:
        return None
    key = step_key(trigger.invoker["step"])
    runs = workflow_runs.list_invoked(connection, trigger.invoker_seq)
    return next((run for run in runs if step_key(run.invoker["step"]) == key), None)


def _duplicate(message_id: str, run: Run) -> RunMessage:
    return RunMessage({"messageId": message_id, "deduplicated": True}, run)


def _valid(read: Callable[[], T]) -> T:
    try:
        return read()
    except BadInput as error:
        raise refused(422, f"not a step of a workflow: {error.message}") from None

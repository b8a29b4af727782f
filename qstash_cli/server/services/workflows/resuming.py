"""Starting a failed run again, from its beginning or from where it has failed."""

from __future__ import annotations

from qstash_cli.protocol import workflow
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.workflow_steps import INIT_KEY, RawStep, call_step
from qstash_cli.server.delivery.workflow_runs import RunContext, Submission, submit
from qstash_cli.server.storage import workflow_runs, workflow_steps
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.store import Connection
from qstash_cli.server.storage.workflow_runs import NewRun, Run
from qstash_cli.server.storage.workflow_steps import StoredStep

_Result = tuple[Run, tuple[StoredMessage, ...]]


def restart_run(
    connection: Connection, failed: Run, options: MessageOptions, context: RunContext
) -> _Result:
    """Starts a new run with the payload of a failed one."""
    run = _new_run(connection, failed, options, context)
    payload = workflow_steps.initial_payload(connection, failed.seq)
    message = _deliver(connection, run, INIT_KEY, payload, context, options)
    return run, (message,)


def resume_run(
    connection: Connection,
    failed: Run,
    message: StoredMessage,
    options: MessageOptions,
    context: RunContext,
) -> _Result:
    """Starts a new run with the results of a failed one, and delivers what was not done.

    That is the step whose delivery has failed, and each planned step without a result. They come
    last in the list of steps, since a delivery ends with the step that it is for. A call without a
    result is dropped: the endpoint submits it again.
    """
    run = _new_run(connection, failed, options, context)
    steps = workflow_steps.list_all(connection, failed.seq)
    done = _done_keys(steps, message)
    for one in steps:
        if one.key in done:
            raw = RawStep(one.message_id, one.body, one.call_type)
            workflow_steps.append(connection, run.seq, one.key, raw, context.now_ms)
    own = workflow.inherit(options, message.options)
    delivered = [
        _deliver(connection, run, one.key, one.body, context, own, one.call_type)
        for one in steps
        if one.message_id == message.id or (one.key.startswith("plan:") and one.key not in done)
    ]
    return run, tuple(delivered)


def _done_keys(steps: list[StoredStep], failed_message: StoredMessage) -> set[str]:
    """Returns the keys of the steps, plans and calls that a resumed run does not repeat."""
    finished = {one.key.removeprefix("step:") for one in steps if one.key.startswith("step:")}
    if failed_message.call_type == workflow.FROM_CALLBACK:
        # The result of this call exists, and is delivered again.
        finished.add(str(call_step(failed_message.options.headers)["stepId"]))

    def is_done(key: str) -> bool:
        kind, _, number = key.partition(":")
        return kind in {INIT_KEY, "step"} or (kind in {"plan", "call"} and number in finished)

    return {one.key for one in steps if one.message_id != failed_message.id and is_done(one.key)}


def _new_run(
    connection: Connection, failed: Run, options: MessageOptions, context: RunContext
) -> Run:
    new = NewRun(
        id=context.new_id("wfr"),
        url=failed.url,
        options=options,
        caller_ip=failed.caller_ip,
        created_ms=context.now_ms,
        queue=failed.queue,
    )
    return workflow_runs.insert(connection, new)


def _deliver(  # noqa: PLR0917 - a submission
    connection: Connection,
    run: Run,
    key: str,
    body: bytes,
    context: RunContext,
    options: MessageOptions,
    call_type: str = workflow.STEP,
) -> StoredMessage:
    due_ms = context.now_ms + (options.delay_s or 0) * 1000
    submission = Submission(key, body, options, run.url, due_ms, run.caller_ip, call_type)
    return submit(connection, run, submission, context)

"""Events of workflows: steps that wait for them, notifications and webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol import workflow
from qstash_cli.protocol.destination import validate_url
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.headers import Headers, as_lists
from qstash_cli.protocol.option_headers import decode
from qstash_cli.protocol.workflow_steps import (
    RawStep,
    notified_step,
    step_key,
    validate_step,
)
from qstash_cli.server.delivery.workflow_runs import RunContext
from qstash_cli.server.services import quota
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.publish_rules import PublishRequest, validate
from qstash_cli.server.services.workflows.publishing import live_run, validate_size
from qstash_cli.server.services.workflows.refusals import refused
from qstash_cli.server.services.workflows.runs import context_of
from qstash_cli.server.storage import messages, workflow_runs, workflow_steps, workflow_waits
from qstash_cli.server.storage.messages import NewMessage, StoredMessage
from qstash_cli.server.storage.store import Connection
from qstash_cli.server.storage.workflow_runs import Run
from qstash_cli.server.storage.workflow_waits import Wait

# Documented.
_DEFAULT_TIMEOUT = "7d"


class WaitRequest(NamedTuple):
    """A step that begins to wait: where it is delivered, how long it waits, and the step."""

    event_id: str
    url: str
    timeout_s: int
    step: dict[str, Any]
    timeout: dict[str, Any]


class Notified(NamedTuple):
    """A step that was notified: its entry in the list of waiters, its message and its run."""

    waiter: dict[str, Any]
    message_id: str
    run: Run


class _Waiting(NamedTuple):
    message: StoredMessage | None
    message_id: str


def parse_wait(event_id: str, given: Any) -> WaitRequest:
    """Returns the request in the body of a wait. Raises `ApiError` if it is not valid."""
    if not isinstance(given, dict) or not isinstance(given.get("url"), str):
        raise refused(422, "a wait needs an object with a url and a step")
    try:
        validate_url(given["url"])
        step = validate_step(given.get("step"))
        timeout_s = parse_duration_s(str(given.get("timeout") or _DEFAULT_TIMEOUT))
    except BadInput as error:
        raise refused(422, f"invalid wait: {error.message}") from None
    timeout = {
        name: given[name] for name in ("timeoutUrl", "timeoutBody", "timeoutHeaders")
        if given.get(name) is not None
    }  # fmt: skip
    return WaitRequest(event_id, given["url"], timeout_s, step, timeout)


async def wait(account: Account, request: PublishRequest, wanted: WaitRequest) -> str:
    """Lets a step wait for an event, and returns the id of the message that continues the run.

    The message is due at the deadline, and earlier if the event happens. Raises `ApiError`.
    """
    named = workflow.parse(request.headers) or workflow.WorkflowHeaders()
    validate(request)
    quota.validate_limit("Delay", wanted.timeout_s, account.limits.delay_s)

    def change(connection: Connection) -> _Waiting:
        run = live_run(connection, named.run_id, named.created_at)
        known = workflow_steps.find_message(connection, run.seq, step_key(wanted.step))
        if known is not None:
            return _Waiting(None, known)
        validate_size(run, request.body)
        message = _store_wait(connection, run, request, wanted, context_of(account))
        return _Waiting(message, message.id)

    waiting = await account.store.run(change)
    if waiting.message is not None:
        account.engine.add([waiting.message])
    return waiting.message_id


async def notify(account: Account, event_id: str, data: bytes) -> list[Notified]:
    """Notifies all steps that wait for an event. Drops the event if no step waits."""
    quota.validate_limit("MessageSize", len(data), account.limits.body_bytes)

    def change(connection: Connection) -> list[Notified]:
        found = workflow_waits.list_for_event(connection, event_id)
        return [_notify(connection, one, data, context_of(account)) for one in found]

    return _release(account, await account.store.run(change))


async def notify_run(account: Account, run_id: str, event_id: str, data: bytes) -> list[Notified]:
    """Notifies the first step of a run that waits for an event, or the next one that will.

    Raises `ApiError` 404 if the run is not live, and 412 if its data would become too large.
    """
    quota.validate_limit("MessageSize", len(data), account.limits.body_bytes)

    def change(connection: Connection) -> list[Notified]:
        run = workflow_runs.find_live(connection, run_id)
        if run is None:
            raise refused(404, f"workflow run {run_id!r} not found")
        found = workflow_waits.list_for_event(connection, event_id, run.seq)
        if found:
            return [_notify(connection, found[0], data, context_of(account))]
        validate_size(run, data)
        workflow_waits.keep_event(connection, run.seq, event_id, data)
        return []

    return _release(account, await account.store.run(change))


async def list_waiters(account: Account, event_id: str) -> list[dict[str, Any]]:
    """Returns the steps that wait for an event."""
    found = await account.store.run(
        lambda connection: workflow_waits.list_for_event(connection, event_id)
    )
    return [one.waiter for one in found]


def _store_wait(
    connection: Connection,
    run: Run,
    request: PublishRequest,
    wanted: WaitRequest,
    context: RunContext,
) -> StoredMessage:
    options = workflow.inherit(run.options, decode(request.headers))
    kept = workflow_waits.take_event(connection, run.seq, wanted.event_id)
    deadline_ms = context.now_ms + wanted.timeout_s * 1000
    new = NewMessage(
        url=wanted.url,
        options=options,
        body=json.dumps(wanted.step).encode(),
        created_ms=context.now_ms,
        due_ms=context.now_ms if kept is not None else deadline_ms,
        caller_ip=request.caller_ip,
        run_seq=run.seq,
        call_type=workflow.STEP,
    )
    message = messages.insert(connection, new, context.new_id)
    stored = Wait(
        message_id=message.id,
        run_seq=run.seq,
        key=step_key(wanted.step),
        event_id=wanted.event_id,
        step_json=json.dumps(wanted.step),
        waiter_json=json.dumps(_waiter(request.headers, wanted, deadline_ms)),
        created_ms=context.now_ms,
        deadline_ms=deadline_ms,
    )
    workflow_waits.insert(connection, stored)
    if kept is not None:
        _notify(connection, stored, kept, context)
    return message


def _waiter(headers: Headers, wanted: WaitRequest, deadline_ms: int) -> Mapping[str, Any]:
    displayed = (h for h in headers if h[0].lower().startswith("upstash-"))
    # Guess: the deadline is in seconds.
    return {
        "url": wanted.url,
        "deadline": deadline_ms // 1000,
        "headers": as_lists(displayed),
        **wanted.timeout,
    }


def _notify(connection: Connection, wait: Wait, data: bytes, context: RunContext) -> Notified:
    workflow_waits.take(connection, wait.message_id)
    run = workflow_runs.get(connection, wait.run_seq)
    body = notified_step(wait.step, wait.event_id, data)
    raw = RawStep(wait.message_id, body, workflow.STEP)
    workflow_steps.append(connection, run.seq, wait.key, raw, context.now_ms)
    messages.set_due(connection, wait.message_id, context.now_ms)
    return Notified(wait.waiter, wait.message_id, run)


def _release(account: Account, notified: list[Notified]) -> list[Notified]:
    for one in notified:
        account.engine.release(one.message_id)
    return notified

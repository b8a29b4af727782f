"""The log of a workflow run as JSON. Source: the types of the workflow SDK."""

from __future__ import annotations

import logging
from typing import Any

from qstash_cli.protocol import workflow
from qstash_cli.server.http import redaction
from qstash_cli.server.http.views.workflow_step_logs import Texts, numbered_steps
from qstash_cli.server.services.workflows.logs import RunDetails
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.workflow_details import Response

_logger = logging.getLogger(__name__)
CALLBACK_STATES = {
    "live": "CALLBACK_INPROGRESS",
    "delivered": "CALLBACK_SUCCESS",
    "failed": "CALLBACK_FAIL",
    "cancelling": "CALLBACK_CANCELED",
    "cancelled": "CALLBACK_CANCELED",
}
_STEP_NAME = "upstash-error-step-name"


def run_log(details: RunDetails, *, body_limit: int | None, now_ms: int) -> dict[str, Any]:
    """Returns a run with its steps. Bodies are cut to `body_limit` bytes if it is not None.

    A run with a damaged row has no steps if they cannot be read.
    """
    try:
        return _complete_log(details, body_limit, now_ms)
    except Exception as fault:  # noqa: BLE001 - a damaged run must not hide the others
        run = details.run
        _logger.warning("the log of workflow run %r is damaged: %s", run.id, fault)
        return {
            "workflowRunId": run.id,
            "workflowUrl": run.url,
            "workflowState": run.state,
            "workflowRunCreatedAt": run.created_ms,
            "steps": [],
        }


def _complete_log(details: RunDetails, body_limit: int | None, now_ms: int) -> dict[str, Any]:
    run, texts = details.run, Texts(details.run.options.redact, body_limit)
    labels = list(run.options.label)
    found = {
        "workflowRunId": run.id,
        "workflowUrl": run.url,
        "workflowState": run.state,
        "workflowRunCreatedAt": run.created_ms,
        "workflowRunCompletedAt": run.ended_ms,
        "workflowRunCallerIp": run.caller_ip,
        "workflowRunResponse": texts.of(run.response) if run.response else None,
        "dlqId": run.dlq_id,
        "label": labels[0] if labels else None,
        "labels": labels,
        "invoker": _invoker(run.invoker),
        "failureFunction": _failure_function(details, texts),
    }
    return redaction.without_empty(found) | {"steps": _groups(details, texts, now_ms)}


def _invoker(invoker: dict[str, Any]) -> dict[str, Any]:
    names = ("workflowRunId", "workflowUrl", "workflowRunCreatedAt")
    return {name: invoker[name] for name in names if name in invoker}


def _groups(details: RunDetails, texts: Texts, now_ms: int) -> list[dict[str, Any]]:
    steps = numbered_steps(details, texts, now_ms)
    groups: list[dict[str, Any]] = []
    while steps:
        concurrent = steps[0].get("concurrent", 1)
        is_parallel = isinstance(concurrent, int) and concurrent > 1
        size = concurrent if is_parallel else 1
        kind = "parallel" if is_parallel else "sequential"
        groups.append({"steps": steps[:size], "type": kind})
        steps = steps[size:]
    following = _next_steps(details, texts)
    return [*groups, *([{"steps": following, "type": "next"}] if following else ())]


def _next_steps(details: RunDetails, texts: Texts) -> list[dict[str, Any]]:
    """Returns the deliveries that have begun and have submitted no step yet."""
    if details.run.state == workflow.SUCCESS:
        # The delivery that has ended the run may not be complete yet.
        return []
    plans = {one.message_id for one in details.steps if one.key.startswith("plan:")}
    found = []
    for message in details.messages.values():
        errors = details.errors.get(message.id, [])
        is_quiet = message.id in plans or message.call_type == workflow.FROM_CALLBACK
        is_of_step = message.call_type in {workflow.STEP, workflow.FROM_CALLBACK}
        if message.status == "delivered" or not is_of_step or (is_quiet and not errors):
            continue
        if message.id in details.begun:
            found.append(_next_step(details, message, errors, texts))
    return found


def _next_step(
    details: RunDetails, message: StoredMessage, errors: list[Response], texts: Texts
) -> dict[str, Any]:
    state = "STEP_RETRY" if message.retried else "STEP_PROGRESS"
    if message.status == "failed":
        state = "STEP_FAILED"
    elif message.status != "live" or not details.run.is_live:
        state = "STEP_CANCELED"
    names = [
        value[0]
        for name, value in (errors[-1].headers if errors else {}).items()
        if name.lower() == _STEP_NAME
    ]
    more = {
        "stepName": names[0] if names else None,
        "retryDelay": message.options.retry_delay,
        "nextDeliveryTime": message.due_ms if state == "STEP_RETRY" else None,
        "errors": [_error(one, texts) for one in errors],
    }
    return {
        "messageId": message.id,
        "state": state,
        "retries": message.max_retries,
    } | redaction.without_empty(more)


def _error(one: Response, texts: Texts) -> dict[str, Any]:
    return {
        "error": one.error,
        "body": texts.cut(one.body),
        "headers": one.headers,
        "status": one.status,
        "time": one.time_ms,
    }


def _failure_function(details: RunDetails, texts: Texts) -> dict[str, Any] | None:
    message = details.messages.get(details.run.failure_message_id or "")
    if message is None:
        return None
    failed = [one for one in details.messages.values() if one.status == "failed"]
    last = [details.errors[one.id][-1] for one in failed if one.id in details.errors]
    cause = last[0] if last else None
    errors = details.errors.get(message.id, [])
    reported = details.reported
    more = {
        "errors": [_error(one, texts) for one in errors],
        "nextDeliveryTime": message.due_ms if message.status == "live" else None,
        "responseBody": texts.cut(reported.body) if reported else None,
        "responseHeaders": reported.headers if reported else None,
        "responseStatus": reported.status if reported else None,
    }
    return {
        "messageId": message.id,
        # The SDK's tests expect the URL that has failed, though its types say otherwise.
        "url": details.run.url,
        "state": CALLBACK_STATES.get(message.status, "CALLBACK_INPROGRESS"),
        "failHeaders": cause.headers if cause else {},
        "failStatus": cause.status if cause else 0,
        "failResponse": (texts.cut(cause.body) or cause.error) if cause else "",
        "dlqId": details.run.dlq_id,
    } | redaction.without_empty(more)

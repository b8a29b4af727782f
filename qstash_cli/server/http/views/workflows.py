"""Workflow runs as Upstash's JSON. Source: the types of the workflow SDK."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from qstash_cli.server.http import redaction
from qstash_cli.server.http.views import messages
from qstash_cli.server.http.views.workflow_logs import CALLBACK_STATES
from qstash_cli.server.services.workflows.dlq import FailedRun
from qstash_cli.server.services.workflows.events import Notified
from qstash_cli.server.services.workflows.runs import StoredStep
from qstash_cli.server.storage.workflow_runs import Run


def raw_step(step: StoredStep) -> dict[str, Any]:
    """Returns a step as the SDK reads it when a delivery had no body."""
    return {
        "messageId": step.message_id,
        "body": b64encode(step.body).decode(),
        "callType": step.call_type,
    }


def notified(one: Notified) -> dict[str, Any]:
    """Returns a step that was notified."""
    return {
        "waiter": one.waiter,
        "messageId": one.message_id,
        "error": "",
        "workflowRunId": one.run.id,
        "workflowCreatedAt": one.run.created_ms,
    }


def new_run(run: Run) -> dict[str, Any]:
    """Returns the id and the time of a run."""
    return {"workflowRunId": run.id, "workflowCreatedAt": run.created_ms}


def failed_run(failed: FailedRun, *, body_limit: int | None = None) -> dict[str, Any]:
    """Returns the DLQ entry of a run. Bodies are cut to `body_limit` bytes if it is not None."""
    run, found = failed.run, messages.dlq_entry(failed.entry, body_limit=body_limit)
    callback = failed.entry.message.options.failure_callback
    return found | redaction.without_empty(
        {
            "workflowRunId": run.id,
            "workflowCreatedAt": run.created_ms,
            "workflowUrl": run.url,
            "failureCallback": callback,
            "failureCallbackInfo": _callback_info(failed, body_limit),
        }
    )


def _callback_info(failed: FailedRun, body_limit: int | None) -> dict[str, Any] | None:
    if failed.report is None:
        return None
    info: dict[str, Any] = {"state": CALLBACK_STATES.get(failed.report.status)}
    if failed.response is not None:
        body = failed.response.body
        info |= {
            "responseStatus": failed.response.status,
            "responseBody": (body if body_limit is None else body[:body_limit]).decode(
                errors="replace"
            ),
            "responseHeaders": failed.response.headers,
        }
    return info

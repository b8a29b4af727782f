"""Workflow runs as Upstash's JSON. Source: the types of the workflow SDK."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from qstash_cli.server.services.workflows.events import Notified
from qstash_cli.server.services.workflows.runs import StoredStep


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

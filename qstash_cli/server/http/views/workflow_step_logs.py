"""The steps in the log of a workflow run as JSON. Source: the types of the workflow SDK."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from qstash_cli.protocol import workflow
from qstash_cli.protocol.headers import as_lists
from qstash_cli.protocol.workflow_steps import INIT_KEY, call_step
from qstash_cli.server.http import redaction
from qstash_cli.server.services.workflows.logs import RunDetails
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.workflow_details import Invoked
from qstash_cli.server.storage.workflow_steps import StoredStep
from qstash_cli.server.storage.workflow_waits import Wait

_PROGRESS = "STEP_PROGRESS"
_SUCCESS = "STEP_SUCCESS"
# The fields that a step submits and the log repeats.
_OWN_FIELDS = (
    "stepId", "stepName", "stepType", "sleepFor", "sleepUntil", "waitEventId", "waitTimeout",
    "concurrent",
)  # fmt: skip

Step = dict[str, Any]


class Texts(NamedTuple):
    """How bodies are displayed: which fields are redacted, and to how many bytes they are cut."""

    redact: tuple[str, ...]
    limit: int | None

    def of(self, data: bytes) -> str:
        """Returns a body that may be redacted."""
        return self.cut(redaction.body(self.redact, data))

    def cut(self, data: bytes) -> str:
        """Returns the first bytes of a body."""
        return (data if self.limit is None else data[: self.limit]).decode(errors="replace")


def numbered_steps(details: RunDetails, texts: Texts, now_ms: int) -> list[Step]:
    """Returns the steps of a run in the order of their ids, including those in progress."""
    found: dict[int, Step] = {}
    calls: dict[int, Step] = {}
    for one in details.steps:
        message = details.messages.get(one.message_id)
        if one.key == INIT_KEY:
            found[0] = _initial(one, message, texts)
        elif one.call_type == workflow.TO_CALLBACK:
            call = _call(one, message, texts)
            calls[call["stepId"]] = call
            found[call["stepId"]] = _common(one, message) | call | {"state": _PROGRESS}
        elif one.call_type == workflow.STEP:
            step_id, step = _submitted(one, message, texts, now_ms)
            if one.key.startswith("plan:"):
                found.setdefault(step_id, step)
            else:
                found[step_id] = _with_call(step, calls.get(step_id))
    for wait in details.waits:
        found[wait.step["stepId"]] = _waiting(wait, details.messages.get(wait.message_id))
    for invoked in details.invoked:
        step_id = invoked.run.invoker["step"]["stepId"]
        before = found.get(step_id, {"state": _PROGRESS})
        if before.get("stepType") != "Invoke" or before["state"] == _PROGRESS:
            before = _invoking(invoked)
        found[step_id] = before | _invoked(invoked, texts)
    return [found[step_id] for step_id in sorted(found)]


def _common(one: StoredStep, message: StoredMessage | None) -> Step:
    found: Step = {
        "callType": one.call_type,
        "messageId": one.message_id,
        "createdAt": one.created_ms,
        "concurrent": 1,
        "state": _SUCCESS,
    }
    if message is not None:
        options = message.options
        found |= {
            "retries": message.max_retries,
            "headers": redaction.headers(options.redact, as_lists(options.headers)),
            **({"retryDelay": options.retry_delay} if options.retry_delay else {}),
        }
    return found


def _initial(one: StoredStep, message: StoredMessage | None, texts: Texts) -> Step:
    own = {"stepName": "init", "stepType": "Initial", "out": texts.of(one.body)}
    return own | _common(one, message)


def _submitted(
    one: StoredStep, message: StoredMessage | None, texts: Texts, now_ms: int
) -> tuple[int, Step]:
    submitted = json.loads(one.body)
    step = _common(one, message)
    step |= {name: submitted[name] for name in _OWN_FIELDS if submitted.get(name) is not None}
    target = submitted.get("targetStep")
    if target:
        return target, step | {"stepId": target, "state": _PROGRESS}
    if submitted.get("out") is not None:
        step["out"] = texts.of(_text(submitted["out"]).encode(errors="replace"))
    is_asleep = message is not None and message.status == "live" and message.due_ms > now_ms
    if is_asleep and not (message and message.retried):
        step["state"] = _PROGRESS
    return submitted["stepId"], step


def _call(one: StoredStep, message: StoredMessage | None, texts: Texts) -> Step:
    if message is None:
        return {"stepId": int(one.key.partition(":")[2]), "stepType": "Call"}
    options = message.options
    own = call_step(options.on_callback.headers if options.on_callback else ())
    return own | {
        "callUrl": message.url,
        "callMethod": options.method or "POST",
        "callHeaders": redaction.headers(options.redact, as_lists(options.headers)),
        "callBody": texts.of(one.body),
    }


def _with_call(step: Step, call: Step | None) -> Step:
    if call is None:
        return step
    named = {name: value for name, value in call.items() if name.startswith("call")}
    try:
        response = json.loads(step.get("out", ""))
        named |= {
            "callResponseStatus": response["status"],
            "callResponseBody": response["body"],
            "callResponseHeaders": response.get("header", {}),
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        # The result is redacted or cut.
        pass
    return step | named


def _waiting(wait: Wait, message: StoredMessage | None) -> Step:
    step = {name: wait.step[name] for name in _OWN_FIELDS if wait.step.get(name) is not None}
    raw = StoredStep(0, wait.key, wait.message_id, workflow.STEP, b"", wait.created_ms)
    return (
        _common(raw, message)
        | step
        | {
            "state": _PROGRESS,
            "waitEventId": wait.event_id,
            "waitTimeoutDuration": f"{(wait.deadline_ms - wait.created_ms) // 1000}s",
            "waitTimeoutDeadline": wait.deadline_ms,
            "waitTimeout": False,
        }
    )


def _invoking(invoked: Invoked) -> Step:
    step = invoked.run.invoker["step"]
    own = {name: step[name] for name in _OWN_FIELDS if step.get(name) is not None}
    return {
        "callType": workflow.STEP,
        "messageId": "",
        "createdAt": invoked.run.created_ms,
        "concurrent": 1,
        **own,
        "state": _PROGRESS,
    }


def _invoked(invoked: Invoked, texts: Texts) -> Step:
    run, options = invoked.run, invoked.run.options
    return {
        "invokedWorkflowRunId": run.id,
        "invokedWorkflowUrl": run.url,
        "invokedWorkflowCreatedAt": run.created_ms,
        "invokedWorkflowRunBody": texts.of(invoked.payload),
        "invokedWorkflowRunHeaders": redaction.headers(options.redact, as_lists(options.headers)),
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)

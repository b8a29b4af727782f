"""The steps of a workflow run as JSON: what the endpoint submits, and what it receives.

Guess: see `workflow`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol.headers import Headers, as_lists

INIT_KEY = "init"


class RawStep(NamedTuple):
    """A step in a run's list: the message that delivers it, its body and its kind of call."""

    message_id: str
    body: bytes
    call_type: str


def encode_steps(steps: Iterable[RawStep]) -> bytes:
    """Returns the body of a delivery, with the initial payload first."""
    listed = [
        {"messageId": one.message_id, "body": _base64(one.body), "callType": one.call_type}
        for one in steps
    ]
    return json.dumps(listed, separators=(",", ":")).encode()


def encoded_bytes(body_bytes: int, count: int) -> int:
    """Returns an upper bound for the length of what `encode_steps` returns for `count` bodies."""
    return body_bytes * 4 // 3 + count * 160


def parse_step(data: bytes | str) -> dict[str, Any]:
    """Returns a step as the SDK submitted it. Raises `BadInput` if it is not a step."""
    try:
        step = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInput("the step is not JSON") from None
    return validate_step(step)


def validate_step(step: object) -> dict[str, Any]:
    """Returns a step unchanged. Raises `BadInput` if its ids, name or type are not valid."""
    if not isinstance(step, dict):
        raise BadInput("the step is not an object")
    for name, kind in (("stepId", int), ("stepName", str), ("stepType", str)):
        if not isinstance(step.get(name), kind):
            raise BadInput(f"the step has no valid {name}")
    if not isinstance(step.get("targetStep"), int | None):
        raise BadInput("the step has no valid targetStep")
    return step


def step_key(step: Mapping[str, Any]) -> str:
    """Returns the key of a step, which is unique in its run; a repeated key marks a duplicate.

    The plan of a parallel step has the id 0 and the id of its result.
    """
    target = step.get("targetStep")
    return f"plan:{target}" if target else f"step:{step['stepId']}"


def call_key(callback_headers: Headers) -> str:
    """Returns the key of a call, which is unique in its run. Raises `BadInput` without an id."""
    return f"call:{call_step(callback_headers)['stepId']}"


def call_step(callback_headers: Headers) -> dict[str, Any]:
    """Returns the step that a call belongs to. Raises `BadInput` if the callback has no step id."""
    found = {name.lower().removeprefix("upstash-workflow-"): v for name, v in callback_headers}
    try:
        step_id, concurrent = int(found["stepid"]), int(found.get("concurrent", "1"))
    except (KeyError, ValueError):
        raise BadInput("the call has no Upstash-Callback-Forward-Upstash-Workflow-StepId") from None
    return {
        "stepId": step_id,
        "stepName": found.get("stepname", ""),
        "stepType": found.get("steptype", "Call"),
        "concurrent": concurrent,
    }


def notified_step(step: Mapping[str, Any], event_id: str, data: bytes) -> bytes:
    """Returns the result of a wait that was notified."""
    return _dump({**step, "waitEventId": event_id, "out": _base64(data)})


def timed_out_step(step: Mapping[str, Any], event_id: str) -> bytes:
    """Returns the result of a wait that timed out."""
    return _dump({**step, "waitEventId": event_id, "waitTimeout": True})


def invoked_step(
    step: Mapping[str, Any], result: bytes | None, *, is_failed: bool, is_canceled: bool
) -> bytes:
    """Returns the result of an invoked run for the run that invoked it."""
    out: dict[str, Any] = {"isFailed": is_failed, "isCanceled": is_canceled}
    if result:
        out = {"body": result.decode(errors="replace"), **out}
    return _dump({**step, "out": json.dumps(out)})


def webhook_event(  # noqa: PLR0917 - the parts of a request
    method: str, host: str, target: str, headers: Headers, body: bytes, scheme: str
) -> bytes:
    """Returns a request to a webhook as the data of an event."""
    return _dump(
        {
            "method": method,
            "header": as_lists(headers),
            "body": _base64(body),
            "proto": scheme,
            "host": host,
            "url": target,
        }
    )


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()

"""The steps of a workflow run as rows with bars, drawn to scale. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from qstash_cli.protocol.run_log import RunLog

WIDTH = 1000.0
# Narrower bars could not be seen.
_MIN_WIDTH = 3.0
_KINDS = {
    "STEP_SUCCESS": "delivered",
    "STEP_FAILED": "failed",
    "STEP_RETRY": "retrying",
    "STEP_PROGRESS": "active",
}


class StepRow(NamedTuple):
    """A step. `x` and `width` are of `WIDTH`; `result` is untrusted text, and may be empty."""

    name: str
    type: str
    kind: str
    word: str
    is_branch: bool
    at_ms: int | None
    x: float
    width: float
    note: str
    result: bytes


def rows_of(run: RunLog, end_ms: int) -> tuple[StepRow, ...]:
    """Returns the steps in order. `end_ms` is the end of the run, or now.

    The log has the time at which a step was submitted: a finished step took the time since the
    step before it, and a step in progress takes until the end.
    """
    start_ms = run["workflowRunCreatedAt"]
    scale = WIDTH / max(1, end_ms - start_ms)
    found, before_ms = [], start_ms
    for group in run["steps"]:
        steps = group["steps"]
        for step in steps:
            at_ms = step.get("createdAt")
            is_ended = step.get("state") == "STEP_SUCCESS"
            from_ms = before_ms if is_ended or at_ms is None else at_ms
            to_ms = at_ms if is_ended and at_ms is not None else end_ms
            width = min(WIDTH, max(_MIN_WIDTH, (to_ms - from_ms) * scale))
            x = max(0.0, min((from_ms - start_ms) * scale, WIDTH - width))
            is_branch = group.get("type") == "parallel"
            found.append(_row(step, is_branch=is_branch, x=round(x, 1), width=round(width, 1)))
        before_ms = max([before_ms, *(step.get("createdAt") or 0 for step in steps)])
    return tuple(found)


def _row(step: dict[str, Any], *, is_branch: bool, x: float, width: float) -> StepRow:
    state = str(step.get("state", ""))
    errors = step.get("errors") or []
    result = step.get("out") or (errors[-1].get("body") or errors[-1]["error"] if errors else "")
    return StepRow(
        name=str(step.get("stepName") or "(next step)"),
        type=str(step.get("stepType") or ""),
        kind=_KINDS.get(state, "cancelled"),
        word=state.removeprefix("STEP_").lower(),
        is_branch=is_branch,
        at_ms=step.get("createdAt"),
        x=x,
        width=width,
        note=_note(step),
        result=str(result).encode(errors="replace"),
    )


def _note(step: dict[str, Any]) -> str:
    if step.get("waitEventId"):
        late = ", timed out" if step.get("waitTimeout") else ""
        return f"event {step['waitEventId']}{late}"
    if step.get("callUrl"):
        return f"{step.get('callMethod', '')} {step['callUrl']}".strip()
    if step.get("invokedWorkflowRunId"):
        return f"run {step['invokedWorkflowRunId']}"
    return ""

"""What the log of a workflow run says, as pure functions of its JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

RunLog = Mapping[str, Any]


def steps_of(run: RunLog) -> Iterator[Mapping[str, Any]]:
    """Yields the steps of all groups in order."""
    for group in run["steps"]:
        yield from group["steps"]


def took_s(run: RunLog) -> float | None:
    """Returns how long an ended run took, in seconds, or None."""
    ended_ms = run.get("workflowRunCompletedAt")
    return None if ended_ms is None else max(0, ended_ms - run["workflowRunCreatedAt"]) / 1000


def failure_of(run: RunLog) -> str:
    """Returns why a run has failed: the last response to its last attempt, or ""."""
    if run["workflowState"] != "RUN_FAILED":
        return ""
    reported = (run.get("failureFunction") or {}).get("failResponse")
    if reported:
        return str(reported)
    errors = [error for step in steps_of(run) for error in step.get("errors") or ()]
    last = errors[-1] if errors else {}
    return str(last.get("body") or last.get("error") or "")

"""Waits for the end of a workflow run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.polling import Deadline, Pending, poll
from qstash_cli.client.api import workflows
from qstash_cli.client.api.workflows import RunFilter
from qstash_cli.errors import NotDelivered, NotFound, QstashError, WaitTimedOut
from qstash_cli.output.body_text import cut_line
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.run_log import failure_of, steps_of
from qstash_cli.protocol.workflow import CANCELED, STARTED, SUCCESS

if TYPE_CHECKING:
    from qstash_cli.client.request import Request
    from qstash_cli.protocol.workflow_records import WorkflowRun

# The log may lag behind the start of a run.
_UNKNOWN_FOR_S = 10


def run_request(run_id: str) -> Request[WorkflowRun]:
    """Returns the request for a run. Raises `BadInput` for an invalid id."""
    return workflows.runs(RunFilter(run_ids=(validate_id(run_id, "workflow run"),)), page=1)


def not_found(run_id: str) -> NotFound:
    """Returns the error for a run that is not in the log."""
    return NotFound(
        f"no workflow run has the id {run_id}",
        hint="`qstash workflow list` lists the runs; check the profile and the region",
    )


def wait_for_run(ctx: Context, run_id: str, timeout_s: int) -> WorkflowRun:
    """Returns a run when it has ended. Raises `WaitTimedOut`, or `NotFound` for an unknown run."""
    request = run_request(run_id)
    deadline = Deadline(ctx.system, timeout_s)
    state = "not in the log yet"

    def attempt() -> WorkflowRun | Pending:
        nonlocal state
        run = next(iter(ctx.read_pages(request)), None)
        waited_s = deadline.elapsed_s()
        if run is None:
            if waited_s >= min(_UNKNOWN_FOR_S, timeout_s):
                raise not_found(run_id)
        elif run["workflowState"] != STARTED:
            return run
        else:
            state = _progress(run)
        return Pending(f"Waiting for {run_id}: {state}, {waited_s:.0f}s")

    def timed_out() -> WaitTimedOut:
        return WaitTimedOut(
            f"not ended within {format_duration(timeout_s)}: {run_id} is {state}",
            hint=f"`qstash workflow wait {run_id}` continues waiting",
        )

    with ctx.status() as status:
        status.update(f"Waiting for {run_id}")
        return poll(attempt, deadline, report=status.update, timed_out=timed_out)


def _progress(run: WorkflowRun) -> str:
    steps = list(steps_of(run))
    names = [step.get("stepName") for step in steps if step.get("state") == "STEP_PROGRESS"]
    named = f", in {names[-1]}" if names and names[-1] else ""
    return f"running after {amount(len(steps), 'step')}{named}"


def failure(run: WorkflowRun) -> QstashError | None:
    """Returns the error for a run that did not succeed, or None."""
    run_id, state = run["workflowRunId"], run["workflowState"]
    if state == SUCCESS:
        return None
    if state == CANCELED:
        return NotDelivered(f"{run_id} was cancelled")
    reason = cut_line(" ".join(failure_of(run).split()))
    return NotDelivered(
        f"{run_id} failed{f': {reason}' if reason else ''}",
        hint=f"`qstash workflow show {run_id}` shows its steps",
    )

"""The fields of workflow runs for tables and programs."""

from __future__ import annotations

from qstash_cli.output.result import Column, Record, View
from qstash_cli.protocol.run_log import steps_of, took_s


def _step_count(record: Record) -> int:
    return sum(1 for _ in steps_of(record))


def _labels(record: Record) -> object:
    return record.get("labels") or ([record["label"]] if record.get("label") else None)


_RUN_ID = Column(name="workflowRunId", of="workflowRunId", format="id", header="RUN ID")
RUNS = View(
    columns=(
        _RUN_ID,
        Column(name="state", of="workflowState", format="state"),
        Column(name="createdAt", of="workflowRunCreatedAt", format="instant_ms"),
        Column(name="duration", of=took_s, format="duration_s", is_optional=True),
        Column(name="steps", of=_step_count),
        Column(name="url", of="workflowUrl", format="url", header="URL"),
        Column(name="labels", of=_labels, format="list", is_optional=True),
    ),
    id="workflowRunId",
    empty="no workflow runs",
    noun=("run", "runs"),
)
CANCELLED_RUNS = View(columns=(Column(name="cancelled", of="cancelled"),), id="cancelled")
NOTIFIED = View(
    columns=(
        _RUN_ID,
        Column(name="messageId", of="messageId", format="id"),
        Column(name="error", of="error", is_optional=True),
    ),
    id="workflowRunId",
    empty="no run waits for the event",
    noun=("waiter", "waiters"),
)

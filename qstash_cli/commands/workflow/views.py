"""The fields of workflow runs for tables and programs."""

from __future__ import annotations

from collections.abc import Mapping

from qstash_cli.output.result import Column, Record, View
from qstash_cli.protocol.run_log import steps_of, took_s


def _step_count(record: Record) -> int:
    return sum(1 for _ in steps_of(record))


def _labels(record: Record) -> object:
    return record.get("labels") or ([record["label"]] if record.get("label") else None)


def _callback_info(record: Record) -> Record:
    # Late entries of a long list are validated only in part.
    info = record.get("failureCallbackInfo")
    return info if isinstance(info, Mapping) else {}


def _callback_state(record: Record) -> object:
    state = _callback_info(record).get("state")
    word = str(state or "").removeprefix("CALLBACK_")
    return {"INPROGRESS": "IN_PROGRESS", "FAIL": "FAILED"}.get(word, word) or None


def _callback_status(record: Record) -> object:
    return _callback_info(record).get("responseStatus")


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
_STATUS = Column(name="status", of="responseStatus", header="RESPONSE")
_CALLBACK = Column(name="callbackState", of=_callback_state, format="state", is_optional=True)
FAILED_RUNS = View(
    columns=(
        Column(name="dlqId", of="dlqId", format="id", header="DLQ ID"),
        _RUN_ID,
        Column(name="createdAt", of="workflowCreatedAt", format="instant_ms"),
        _STATUS,
        Column(name="url", of="workflowUrl", format="url", header="URL"),
        Column(name="labels", of=_labels, format="list", is_optional=True),
        _CALLBACK,
        Column(name="responseBody", of="responseBody", header="RESPONSE BODY", is_optional=True),
    ),
    id="dlqId",
    empty="no failed runs",
    noun=("failed run", "failed runs"),
)
FAILED_RUN = View(
    columns=(
        *FAILED_RUNS.columns,
        Column(name="callback", of="failureCallback"),
        Column(name="callbackStatus", of=_callback_status),
        Column(name="flowControlKey", of="flowControlKey"),
        Column(name="retries", of="maxRetries"),
        Column(name="body", of=lambda r: r.get("body") or r.get("bodyBase64")),
    ),
    id="dlqId",
)
STARTED_RUNS = View(
    columns=(
        _RUN_ID,
        Column(name="createdAt", of="workflowCreatedAt", format="instant_ms"),
    ),
    id="workflowRunId",
    empty="no failed run matches",
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

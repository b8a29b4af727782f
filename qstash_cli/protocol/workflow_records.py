"""The records of workflow runs. Source: the types of the workflow SDK.

A step's `out` and the errors are what applications sent; times are unix milliseconds.
"""

# No `from __future__ import annotations`: `Required` has no effect in string annotations.

from typing import NotRequired, Required, TypedDict

from qstash_cli.protocol.records import DlqEntry, Lists


class StepError(TypedDict, total=False):
    """A failed attempt of a step."""

    error: str
    body: str
    status: int
    time: int


class WorkflowStep(TypedDict, total=False):
    """A step of a run. `out` is its result; a step that has not started has no name."""

    stepId: int
    stepName: str
    stepType: str
    state: str
    createdAt: int
    out: str
    waitEventId: str
    waitTimeoutDeadline: int
    waitTimeout: bool
    callUrl: str
    callMethod: str
    callResponseStatus: int
    invokedWorkflowRunId: str
    nextDeliveryTime: int
    errors: list[StepError]


class StepGroup(TypedDict, total=False):
    """Steps that run one after the other, in parallel, or next."""

    type: str
    steps: Required[list[WorkflowStep]]


class FailureFunction(TypedDict, total=False):
    """The report of a failed run to its failure function or URL."""

    url: str
    state: str
    failResponse: str


class WorkflowRun(TypedDict, total=False):
    """A workflow run with its steps."""

    workflowRunId: Required[str]
    workflowUrl: Required[str]
    workflowState: Required[str]
    workflowRunCreatedAt: Required[int]
    workflowRunCompletedAt: int
    workflowRunResponse: str
    dlqId: str
    label: str
    labels: list[str]
    failureFunction: FailureFunction
    steps: Required[list[StepGroup]]


class CancelledRuns(TypedDict):
    """The number of cancelled runs."""

    cancelled: int


class Notified(TypedDict, total=False):
    """A step that an event has woken."""

    messageId: str
    workflowRunId: str
    workflowCreatedAt: int
    error: str


class FailureCallbackInfo(TypedDict, total=False):
    """The delivery of the failure callback of a run, and the last response to it."""

    state: str
    responseStatus: int
    responseBody: str
    responseHeaders: Lists


class RunOfEntry(TypedDict, total=False):
    """The workflow run of a DLQ entry."""

    workflowRunId: Required[str]
    workflowUrl: Required[str]
    workflowCreatedAt: int
    failureCallbackInfo: FailureCallbackInfo


class FailedRun(DlqEntry, RunOfEntry):
    """A workflow run in the DLQ, with the message that failed and the last response to it."""


class FailedRunPage(TypedDict):
    """A page of failed workflow runs. `cursor` is present if there are more."""

    messages: list[FailedRun]
    cursor: NotRequired[str]


class StartedRun(TypedDict, total=False):
    """A workflow run that was started for a failed one."""

    workflowRunId: Required[str]
    workflowCreatedAt: int


class StartedRuns(TypedDict):
    """Runs that were started for failed ones. `cursor` is not empty if there are more."""

    workflowRuns: list[StartedRun]
    cursor: NotRequired[str]

"""The JSON of QStash's responses. Times are unix milliseconds unless a comment says otherwise.

Responses are validated against these types (`shapes.py`). Required fields must be present, all
other fields may be missing or null, and undeclared fields are allowed. Only fields that commands
depend on are required, since QStash omits many empty fields.

Sources: the QStash OpenAPI document, and the live service where the two differ.
"""

# No `from __future__ import annotations`: `Required` has no effect in string annotations.

from typing import Literal, NotRequired, Required, TypedDict

Lists = dict[str, list[str]]
# QStash returns the headers of a URL group in both forms.
TextsOrLists = dict[str, str | list[str]]


class Published(TypedDict, total=False):
    """The response to a publish. If `deduplicated`, the id is that of an earlier message."""

    messageId: Required[str]
    url: str
    deduplicated: bool


class Scheduled(TypedDict):
    """The response to creating a schedule."""

    scheduleId: str


class Message(TypedDict, total=False):
    """A stored message. `period` is in seconds; the body is in `bodyBase64` if it is not UTF-8."""

    messageId: Required[str]
    url: Required[str]
    topicName: str
    endpointName: str
    queueName: str
    scheduleId: str
    method: str
    header: Lists
    body: str
    bodyBase64: str
    maxRetries: int
    retryDelayExpression: str
    notBefore: int
    createdAt: int
    callback: str
    callbackHeader: Lists
    failureCallback: str
    failureCallbackHeader: Lists
    callerIP: str
    label: str
    labels: list[str]
    flowControlKey: str
    rate: int
    period: int
    parallelism: int


class LastResponse(TypedDict, total=False):
    """The destination's response to the last attempt."""

    responseStatus: int
    responseHeader: Lists
    responseBody: str
    responseBodyBase64: str


class DlqEntry(Message, LastResponse):
    """A message in the DLQ, as returned in lists."""

    dlqId: str


class DlqMessage(Message, LastResponse, total=False):
    """A message in the DLQ, requested by its DLQ id, which the response may omit."""

    dlqId: str


class LogEntry(TypedDict, total=False):
    """A log entry of a message. Bodies are base64; `timeout` is in ms, `period` in seconds."""

    time: Required[int]
    messageId: Required[str]
    state: Required[str]
    url: str
    error: str
    nextDeliveryTime: int
    topicName: str
    endpointName: str
    scheduleId: str
    queueName: str
    header: Lists
    body: str
    method: str
    timeout: int
    callback: str
    callbackHeaders: Lists
    failureCallback: str
    failureCallbackHeaders: Lists
    maxRetries: int
    retryDelayExpr: str
    retryDelayExpression: str
    label: str
    labels: list[str]
    flowControlKey: str
    rate: int
    period: int
    parallelism: int
    responseStatus: int
    responseBody: str
    responseHeader: Lists
    responseHeaders: Lists


class DlqPage(TypedDict):
    """A page of DLQ entries. `cursor` is present if there are more."""

    messages: list[DlqEntry]
    cursor: NotRequired[str]


class Cancelled(TypedDict):
    """The number of cancelled messages, and the bulk action that cancels them in the background."""

    cancelled: int
    actionId: NotRequired[str]


class Deleted(TypedDict):
    """The number of deleted DLQ entries. `cursor` is present if there are more."""

    deleted: int
    cursor: NotRequired[str]


class Retried(TypedDict):
    """The new messages created from DLQ entries. `cursor` is not empty if there are more."""

    responses: list[Published]
    cursor: NotRequired[str]


class SigningKeys(TypedDict):
    """The signing keys of an account. `current` signs now, `next` after a rotation."""

    current: str
    next: str


State = Literal[
    "CREATED", "ACTIVE", "RETRY", "ERROR", "DELIVERED", "FAILED", "CANCEL_REQUESTED", "CANCELLED"
]


class Schedule(TypedDict, total=False):
    """A schedule; `delay`, `timeout` and `period` are in seconds."""

    scheduleId: Required[str]
    cron: Required[str]
    destination: Required[str]
    method: str
    header: Lists
    body: str
    bodyBase64: str
    retries: int
    delay: int
    timeout: int
    callback: str
    callbackHeader: Lists
    failureCallback: str
    failureCallbackHeader: Lists
    callerIP: str
    isPaused: bool
    queueName: str
    flowControlKey: str
    parallelism: int
    rate: int
    period: int
    retryDelayExpression: str
    label: str
    labels: list[str]
    createdAt: int
    lastScheduleTime: int
    nextScheduleTime: int
    lastScheduleStates: dict[str, str]
    error: str


class FlowControl(TypedDict, total=False):
    """A flow control key; `ratePeriod` and `ratePeriodStart` are in seconds."""

    flowControlKey: Required[str]
    waitListSize: Required[int]
    parallelismMax: int
    parallelismCount: int
    rateMax: int
    rateCount: int
    ratePeriod: int
    ratePeriodStart: int
    isPaused: bool
    isPinnedParallelism: bool
    isPinnedRate: bool


class GlobalParallelism(TypedDict, total=False):
    """The limit and the current number of concurrent deliveries of the account."""

    parallelismMax: int
    parallelismCount: int


class Queue(TypedDict):
    """A queue. `lag` is the number of undelivered messages."""

    name: str
    parallelism: int
    lag: int
    paused: bool
    createdAt: NotRequired[int]
    updatedAt: NotRequired[int]


class Endpoint(TypedDict):
    """An endpoint of a URL group."""

    name: NotRequired[str]
    url: str


class EndpointReference(TypedDict, total=False):
    """The name or URL of an endpoint to remove."""

    name: str
    url: str


class UrlGroup(TypedDict, total=False):
    """A URL group. `headers` are default headers for its messages."""

    name: Required[str]
    endpoints: Required[list[Endpoint]]
    headers: TextsOrLists
    createdAt: int
    updatedAt: int


class BulkAction(TypedDict, total=False):
    """A cancellation by filter; `processed` of `total` messages are done. Times are in ms."""

    actionId: Required[str]
    state: Required[str]
    total: Required[int]
    processed: Required[int]
    kind: str
    createdAt: int
    completedAt: int
    filter: Lists

"""What QStash answers, as its JSON has it. Times are unix milliseconds unless a comment says else.

Sources: QStash OpenAPI document; where the live service differs from it, the live service.
"""

from __future__ import annotations

from typing import Literal, TypedDict

Lists = dict[str, list[str]]


class Published(TypedDict, total=False):
    """The answer to a publish. `deduplicated` marks the id of an earlier message."""

    messageId: str
    url: str
    deduplicated: bool
    scheduleId: str


class Message(TypedDict, total=False):
    """A stored message. `period` is in seconds; the body is in `bodyBase64` if it is not UTF-8."""

    messageId: str
    url: str
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


class DlqEntry(Message, total=False):
    """A message that ended undelivered, with the destination's last answer."""

    dlqId: str
    responseStatus: int
    responseHeader: Lists
    responseBody: str
    responseBodyBase64: str


class LogEntry(TypedDict, total=False):
    """One step in a message's life. Bodies are base64; `timeout` is in ms, `period` in seconds."""

    time: int
    messageId: str
    state: str
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


class DlqPage(TypedDict, total=False):
    """A page of DLQ entries; `cursor` where there are more."""

    messages: list[DlqEntry]
    cursor: str


class Cancelled(TypedDict, total=False):
    """How many messages are cancelled, and the bulk action that cancels them in the background."""

    cancelled: int
    actionId: str


class Deleted(TypedDict, total=False):
    """How many DLQ entries were deleted; `cursor` where more are left."""

    deleted: int
    cursor: str


class Retried(TypedDict, total=False):
    """The messages that DLQ entries became; `cursor` is not empty where more are left."""

    responses: list[Published]
    cursor: str


class SigningKeys(TypedDict):
    """The keys of an account: `current` signs, and `next` does after a rotation."""

    current: str
    next: str


State = Literal[
    "CREATED", "ACTIVE", "RETRY", "ERROR", "DELIVERED", "FAILED", "CANCEL_REQUESTED", "CANCELLED"
]


class Schedule(TypedDict, total=False):
    """A schedule; `delay`, `timeout` and `period` are in seconds."""

    scheduleId: str
    cron: str
    destination: str
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


class FlowControl(TypedDict):
    """A flow control key; `ratePeriod` and `ratePeriodStart` are in seconds."""

    flowControlKey: str
    waitListSize: int
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
    """How many deliveries of the account there may be, and are, at a time."""

    parallelismMax: int
    parallelismCount: int


class Queue(TypedDict):
    """A queue; `lag` is how many messages of it are not yet delivered."""

    name: str
    parallelism: int
    lag: int
    paused: bool
    createdAt: int
    updatedAt: int


class Endpoint(TypedDict, total=False):
    """An endpoint of a URL group."""

    name: str
    url: str


class UrlGroup(TypedDict, total=False):
    """A URL group; `headers` are defaults of the messages sent to it."""

    name: str
    endpoints: list[Endpoint]
    headers: Lists
    createdAt: int
    updatedAt: int


class BulkAction(TypedDict, total=False):
    """A cancel by filter; `processed` of `total` messages are done. Times are in milliseconds."""

    actionId: str
    kind: str
    state: str
    total: int
    processed: int
    createdAt: int
    completedAt: int
    filter: Lists

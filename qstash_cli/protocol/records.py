"""The JSON of QStash's responses. Times are unix milliseconds unless a comment says otherwise.

These types are the definition that responses are checked against (`shapes.py`): what is required
must be there, everything else may be missing or null, and fields that are not listed are allowed.
Required is what commands cannot do without; QStash leaves out many fields that are empty.

Sources: QStash OpenAPI document; where the live service differs from it, the live service.
"""

# Annotations are evaluated: `Required` is not seen in those that are strings.

from typing import Literal, NotRequired, Required, TypedDict

Lists = dict[str, list[str]]
# A URL group's headers were seen in both forms.
TextsOrLists = dict[str, str | list[str]]


class Published(TypedDict, total=False):
    """The response to a publish. `deduplicated` marks the id of an earlier message."""

    messageId: Required[str]
    url: str
    deduplicated: bool


class Scheduled(TypedDict):
    """The response to the creation of a schedule."""

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
    """What a destination responded to the last attempt."""

    responseStatus: int
    responseHeader: Lists
    responseBody: str
    responseBodyBase64: str


class DlqEntry(Message, LastResponse):
    """A message that ended undelivered, as lists have it."""

    dlqId: str


class DlqMessage(Message, LastResponse, total=False):
    """A message that ended undelivered, read by its id, which may not be repeated in it."""

    dlqId: str


class LogEntry(TypedDict, total=False):
    """One step in a message's life. Bodies are base64; `timeout` is in ms, `period` in seconds."""

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
    """A page of DLQ entries; `cursor` where there are more."""

    messages: list[DlqEntry]
    cursor: NotRequired[str]


class Cancelled(TypedDict):
    """How many messages are cancelled, and the bulk action that cancels them in the background."""

    cancelled: int
    actionId: NotRequired[str]


class Deleted(TypedDict):
    """How many DLQ entries were deleted; `cursor` where there are more."""

    deleted: int
    cursor: NotRequired[str]


class Retried(TypedDict):
    """The messages that DLQ entries became; `cursor` is not empty where there are more."""

    responses: list[Published]
    cursor: NotRequired[str]


class SigningKeys(TypedDict):
    """The keys of an account: `current` signs, and `next` does after a rotation."""

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
    """How many deliveries of the account there may be, and are, at a time."""

    parallelismMax: int
    parallelismCount: int


class Queue(TypedDict):
    """A queue; `lag` is how many messages of it are not yet delivered."""

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
    """The name or the URL of an endpoint that is to be removed."""

    name: str
    url: str


class UrlGroup(TypedDict, total=False):
    """A URL group; `headers` are defaults of the messages sent to it."""

    name: Required[str]
    endpoints: Required[list[Endpoint]]
    headers: TextsOrLists
    createdAt: int
    updatedAt: int


class BulkAction(TypedDict, total=False):
    """A cancel by filter; `processed` of `total` messages are done. Times are in milliseconds."""

    actionId: Required[str]
    state: Required[str]
    total: Required[int]
    processed: Required[int]
    kind: str
    createdAt: int
    completedAt: int
    filter: Lists

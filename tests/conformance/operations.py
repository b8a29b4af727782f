"""The operations of QStash's OpenAPI document, without those of the LLM proxy.

A shape is a type, a list of one shape, or a mapping of field names to shapes; `Lists` are header
maps. `command` is the `qstash` command for the operation, `query` its query parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Lists = {"*": [str]}
URL = "https://example.com/hook"
_FILTERS = ("url", "topicName", "scheduleId", "queueName", "fromDate", "toDate", "label")
_DLQ = (*_FILTERS, "messageId", "responseStatus", "callerIp")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation: its path template, its command, and the shape of a successful response."""

    method: str
    path: str
    command: tuple[str, ...]
    shape: Any = None
    query: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


_PUBLISHED = {"messageId": str, "deduplicated": bool}
_MESSAGE = {
    "messageId": str, "url": str, "topicName": str, "endpointName": str, "method": str,
    "header": Lists, "body": str, "bodyBase64": str, "maxRetries": int, "notBefore": int,
    "createdAt": int, "callback": str, "failureCallback": str, "queueName": str,
    "scheduleId": str, "callerIP": str, "label": str, "labels": [str], "flowControlKey": str,
    "rate": int, "period": int, "parallelism": int,
}  # fmt: skip
_DLQ_ENTRY = _MESSAGE | {
    "responseStatus": int, "responseHeader": Lists, "responseBody": str,
    "responseBodyBase64": str,
}  # fmt: skip
_QUEUE = {
    "name": str, "createdAt": int, "updatedAt": int, "parallelism": int, "paused": bool,
    "lag": int,
}  # fmt: skip
_SCHEDULE = {
    "scheduleId": str, "cron": str, "destination": str, "createdAt": int, "method": str,
    "header": Lists, "body": str, "retries": int, "delay": int, "callback": str,
    "failureCallback": str, "callerIp": str, "isPaused": bool, "flowControlKey": str,
    "parallelism": int, "rate": int, "period": int, "retryDelayExpression": str, "label": str,
    "labels": [str], "lastScheduleTime": int, "nextScheduleTime": int,
    "lastScheduleStates": {"*": str},
}  # fmt: skip
_TOPIC = {
    "name": str, "createdAt": int, "updatedAt": int, "endpoints": [{"name": str, "url": str}]
}  # fmt: skip
_FLOW = {
    "flowControlKey": str, "waitListSize": int, "parallelismMax": int, "parallelismCount": int,
    "rateMax": int, "rateCount": int, "ratePeriod": int, "ratePeriodStart": int,
    "isPinnedParallelism": bool, "isPinnedRate": bool, "isPaused": bool,
}  # fmt: skip
_LOG = {
    "time": int, "messageId": str, "header": Lists, "body": str, "state": str, "error": str,
    "nextDeliveryTime": int, "url": str, "topicName": str, "endpointName": str,
    "scheduleId": str, "queueName": str, "responseStatus": int, "responseBody": str,
    "responseHeaders": Lists, "timeout": int, "method": str, "callback": str,
    "callbackHeaders": Lists, "failureCallback": str, "failureCallbackHeaders": Lists,
    "maxRetries": int, "retryDelayExpression": str, "label": str, "labels": [str],
}  # fmt: skip
_KEYS = {"current": str, "next": str}
_ACTION = {
    "actionId": str, "kind": str, "state": str, "total": int, "processed": int,
    "createdAt": int, "completedAt": int, "filter": {"*": [str]},
}  # fmt: skip


def _operation(
    call: str,
    *command: str,
    shape: Any = None,
    query: tuple[str, ...] = (),
) -> Operation:
    method, path = call.split()
    return Operation(method=method, path=path, command=command, shape=shape, query=query)


OPERATIONS = (
    _operation("POST /v2/publish/{destination}", "publish", URL, shape=_PUBLISHED),
    _operation(
        "POST /v2/enqueue/{queue}/{destination}", "publish", URL, "--queue", "q", shape=_PUBLISHED
    ),
    _operation(
        "POST /v2/batch", "batch", "-", "--to", URL, "--curl", shape=[_PUBLISHED]
    ),
    _operation("GET /v2/messages/{message}", "message", "get", "m", shape=_MESSAGE),
    _operation("DELETE /v2/messages/{message}", "message", "cancel", "m"),
    _operation("POST /v2/messages/{message}/retry", "message", "run-now", "m"),
    _operation(
        "DELETE /v2/messages", "message", "cancel", "--label", "x",
        shape={"cancelled": int, "actionId": str},
        query=(*_FILTERS, "messageIds", "host", "path", "flowControlKey", "callerIp", "callerIP",
               "count", "async"),
    ),
    _operation(
        "GET /v2/bulkActions", "message", "actions",
        shape={"cursor": str, "bulkActions": [_ACTION]}, query=("cursor", "count", "state"),
    ),
    _operation("GET /v2/bulkActions/{action}", "message", "action", "a", shape=_ACTION),
    _operation("POST /v2/queues", "queue", "set", "q", "--parallelism", "2"),
    _operation("GET /v2/queues", "queue", "list", shape=[_QUEUE]),
    _operation("GET /v2/queues/{queue}", "queue", "get", "q", shape=_QUEUE),
    _operation("DELETE /v2/queues/{queue}", "queue", "delete", "q"),
    _operation("POST /v2/queues/{queue}/pause", "queue", "pause", "q"),
    _operation("POST /v2/queues/{queue}/resume", "queue", "resume", "q"),
    _operation(
        "POST /v2/schedules/{destination}", "schedule", "create", URL, "--cron", "@daily",
        shape={"scheduleId": str},
    ),
    _operation("GET /v2/schedules", "schedule", "list", shape=[_SCHEDULE]),
    _operation("GET /v2/schedules/{schedule}", "schedule", "get", "s", shape=_SCHEDULE),
    _operation("DELETE /v2/schedules/{schedule}", "schedule", "delete", "s"),
    _operation("POST /v2/schedules/{schedule}/pause", "schedule", "pause", "s"),
    _operation("POST /v2/schedules/{schedule}/resume", "schedule", "resume", "s"),
    _operation("GET /v2/topics", "urlgroup", "list", shape=[_TOPIC]),
    _operation("GET /v2/topics/{topic}", "urlgroup", "get", "t", shape=_TOPIC),
    _operation("DELETE /v2/topics/{topic}", "urlgroup", "delete", "t"),
    _operation("POST /v2/topics/{topic}/endpoints", "urlgroup", "add", "t", URL),
    _operation("DELETE /v2/topics/{topic}/endpoints", "urlgroup", "remove", "t", URL),
    _operation("PATCH /v2/topics/{topic}", "urlgroup", "headers", "t", "-H", "A: b"),
    _operation(
        "GET /v2/dlq", "dlq", "list", shape={"cursor": str, "messages": [_DLQ_ENTRY]},
        query=(*_DLQ, "cursor", "count"),
    ),
    _operation(
        "DELETE /v2/dlq", "dlq", "delete", "--label", "x",
        shape={"cursor": str, "deleted": int},
        query=(*_DLQ, "dlqIds", "cursor", "flowControlKey", "count"),
    ),
    _operation("GET /v2/dlq/{dlq}", "dlq", "get", "d", shape=_DLQ_ENTRY),
    _operation("DELETE /v2/dlq/{dlq}", "dlq", "delete", "d"),
    _operation("POST /v2/dlq/retry/{dlq}", "dlq", "retry", "d", shape=_PUBLISHED),
    _operation(
        "POST /v2/dlq/retry", "dlq", "retry", "--label", "x",
        shape={"cursor": str, "responses": [_PUBLISHED]}, query=(*_DLQ, "flowControlKey"),
    ),
    _operation("GET /v2/flowControl", "flow", "list", shape=[_FLOW]),
    _operation("GET /v2/flowControl/{flow}", "flow", "get", "f", shape=_FLOW),
    _operation("POST /v2/flowControl/{flow}/pause", "flow", "pause", "f"),
    _operation("POST /v2/flowControl/{flow}/resume", "flow", "resume", "f"),
    _operation("POST /v2/flowControl/{flow}/pin", "flow", "pin", "f", "--rate", "2"),
    _operation("POST /v2/flowControl/{flow}/unpin", "flow", "unpin", "f"),
    _operation("POST /v2/flowControl/{flow}/resetRate", "flow", "reset", "f"),
    _operation(
        "GET /v2/globalParallelism", "flow", "global",
        shape={"parallelismMax": int, "parallelismCount": int},
    ),
    _operation("GET /v2/keys", "keys", "get", shape=_KEYS),
    _operation("POST /v2/keys/rotate", "keys", "rotate", shape=_KEYS),
    _operation(
        "GET /v2/logs", "logs", shape={"cursor": str, "logs": [_LOG]},
        query=(*_FILTERS, "cursor", "messageId", "state", "count"),
    ),
)  # fmt: skip

# Deliberate differences from the document: the field, and the reason.
BEYOND_THE_DOCUMENT = {
    "callerIP": "schedules have callerIp in the document; the SDKs read callerIP",
    "callbackHeader": "the SDKs read it from messages and schedules",
    "failureCallbackHeader": "the same",
    "retryDelayExpression": "messages have it too, as the SDKs expect",
    "retryDelayExpr": "the SDKs read the expression of a log entry from here",
    "dlqId": "the document leaves out the id of a DLQ entry",
    "events": "/v2/logs has the name of the list in older documents besides",
    "responseHeader": "the SDKs read the headers of a log entry from here",
    "flowControlKey": "log entries have the flow control of their message since late 2024",
    "parallelism": "the same",
    "rate": "the same",
    "period": "the same",
    "callerIp": "an address is known of everything",
    "timeout": "schedules keep it",
    "queueName": "schedules keep it",
    "headers": "the default headers of a URL group, read back as they were set",
}
OTHER_STATUS = {
    "POST /v2/publish/{destination}": (201, "seen on QStash's own development server"),
    "POST /v2/enqueue/{queue}/{destination}": (201, "as publish"),
    "POST /v2/schedules/{destination}": (201, "seen on QStash's own development server"),
    "POST /v2/dlq/retry/{dlq}": (201, "the document says so too"),
    "POST /v2/dlq/retry": (201, "the document says so too"),
    "DELETE /v2/messages/{message}": (202, "older and newer documents"),
    "DELETE /v2/messages": (202, "older and newer documents"),
}
# Commands that use another method than the document.
OTHER_METHOD = {
    "POST /v2/schedules/{schedule}/pause": ("PATCH", "all SDKs send PATCH; the server takes both"),
    "POST /v2/schedules/{schedule}/resume": ("PATCH", "all SDKs send PATCH; the server takes both"),
}

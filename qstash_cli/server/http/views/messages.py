"""Messages, log entries and DLQ entries as QStash's JSON. Source: QStash OpenAPI document."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from qstash_cli.server.http import redaction
from qstash_cli.server.http.views.options import forwarded_headers, option_fields
from qstash_cli.server.storage.dlq import DlqEntry
from qstash_cli.server.storage.log_pages import LogEntry
from qstash_cli.server.storage.messages import StoredMessage

_SHARED = (
    "retry_delay",
    "callback",
    "failure_callback",
    "label",
    "flow_key",
    "parallelism",
    "rate",
    "period_s",
)


def message(found: StoredMessage, *, body_limit: int | None = None) -> dict[str, Any]:
    """Returns a message as `GET /v2/messages/{id}` has it. The body is cut as in `log_entry`."""
    body = _cut(redaction.body(found.options.redact, found.body), body_limit)
    return redaction.without_empty(_shared(found)) | {
        "messageId": found.id,
        "url": found.url,
        **option_fields(found.options, "method"),
        "header": forwarded_headers(found.options, found.options),
        "maxRetries": found.max_retries,
        "notBefore": found.not_before_ms,
        "createdAt": found.created_ms,
        **redaction.text("body", body),
    }


def dlq_entry(entry: DlqEntry, *, body_limit: int | None = None) -> dict[str, Any]:
    """Returns a message with the last response of its destination."""
    return message(entry.message, body_limit=body_limit) | {
        "dlqId": entry.id,
        "responseStatus": entry.response_status,
        "responseHeader": entry.response_headers,
        **redaction.text("responseBody", _cut(entry.response_body, body_limit)),
    }


def log_entry(logged: LogEntry, *, body_limit: int | None) -> dict[str, Any]:
    """Returns one step of a message. Bodies are cut to `body_limit` bytes if it is not None."""
    found, details = logged.message, logged.details
    if "responseBody" in details:
        details["responseBody"] = _base64(b64decode(details["responseBody"]), body_limit)
    if "responseHeader" in details:
        details["responseHeaders"] = details["responseHeader"]
    options = found.options
    shared = _shared(found)
    entry = {
        **shared,
        "header": forwarded_headers(options, options),
        "body": _base64(redaction.body(found.options.redact, found.body), body_limit),
        **option_fields(options, "method"),
        "timeout": options.timeout_s and options.timeout_s * 1000,
        "callbackHeaders": shared.pop("callbackHeader"),
        "failureCallbackHeaders": shared.pop("failureCallbackHeader"),
        "retryDelayExpr": options.retry_delay,
        **details,
    }
    entry.pop("callbackHeader", None)
    entry.pop("failureCallbackHeader", None)
    return {
        "time": logged.time_ms,
        "messageId": found.id,
        "state": logged.state,
        "url": found.url,
        "maxRetries": found.max_retries,
    } | redaction.without_empty(entry)


def _shared(found: StoredMessage) -> dict[str, Any]:
    options = found.options
    return {
        "topicName": found.url_group,
        "endpointName": found.endpoint,
        "queueName": found.queue,
        "scheduleId": found.schedule_id,
        "callbackHeader": forwarded_headers(options, options.on_callback),
        "failureCallbackHeader": forwarded_headers(options, options.on_failure_callback),
        "callerIP": found.caller_ip,
        **option_fields(options, *_SHARED),
    }


def _base64(data: bytes, limit: int | None) -> str:
    return b64encode(data if limit is None else data[:limit]).decode()


def _cut(data: bytes, limit: int | None) -> bytes:
    """Returns the first bytes. A text is cut between characters."""
    if limit is None or len(data) <= limit:
        return data
    try:
        data[:limit].decode()
    except UnicodeDecodeError as error:
        # A character has at most four bytes.
        return data[: error.start] if limit - error.start < 4 else data[:limit]
    return data[:limit]

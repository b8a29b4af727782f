"""Messages, log entries and DLQ entries as QStash's JSON. Source: QStash OpenAPI document."""

from __future__ import annotations

import json
import sqlite3
from base64 import b64decode, b64encode
from typing import Any

from qstash_cli.protocol.headers import as_lists
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.storage import redaction
from qstash_cli.server.storage.message import Message

_DEFAULT_PERIOD_S = 1


def message(found: Message, *, most_body: int | None = None) -> dict[str, Any]:
    """A message as `GET /v2/messages/{id}` shows it. The body is cut as in `log_entry`."""
    return redaction.without_empty(_shared(found)) | {
        "messageId": found.id,
        "url": found.url,
        "method": found.options.method or "POST",
        "header": _headers(found, found.options),
        "maxRetries": found.max_retries,
        "notBefore": found.row["not_before_ms"],
        "createdAt": found.row["created_ms"],
        **redaction.text("body", _cut(redaction.body(found.options.redact, found.body), most_body)),
    }


def dlq_entry(found: Message, row: sqlite3.Row, *, most_body: int | None = None) -> dict[str, Any]:
    """A message with the last answer of its destination; `row` is that of the DLQ."""
    return message(found, most_body=most_body) | {
        "dlqId": row["dlq_id"],
        "responseStatus": row["response_status"],
        "responseHeader": json.loads(row["response_headers"]),
        **redaction.text("responseBody", _cut(row["response_body"], most_body)),
    }


def log_entry(found: Message, row: sqlite3.Row, *, most_body: int | None) -> dict[str, Any]:
    """One step of a message. Bodies are cut to `most_body` bytes if that is given."""
    details = json.loads(row["details"])
    for name in ("responseBody",):
        if name in details:
            details[name] = _base64(b64decode(details[name]), most_body)
    if "responseHeader" in details:
        details["responseHeaders"] = details["responseHeader"]
    options = found.options
    shared = _shared(found)
    entry = {
        **shared,
        "header": _headers(found, options),
        "body": _base64(redaction.body(found.options.redact, found.body), most_body),
        "method": options.method or "POST",
        "timeout": options.timeout_s and options.timeout_s * 1000,
        "callbackHeaders": shared.pop("callbackHeader"),
        "failureCallbackHeaders": shared.pop("failureCallbackHeader"),
        "retryDelayExpr": options.retry_delay,
        **details,
    }
    entry.pop("callbackHeader", None)
    entry.pop("failureCallbackHeader", None)
    return {
        "time": row["time_ms"],
        "messageId": found.id,
        "state": row["state"],
        "url": found.url,
        "maxRetries": found.max_retries,
    } | redaction.without_empty(entry)


def _shared(found: Message) -> dict[str, Any]:
    options, row = found.options, found.row
    has_limits = options.flow_key is not None
    return {
        "topicName": row["topic"],
        "endpointName": row["endpoint"],
        "queueName": row["queue"],
        "scheduleId": row["schedule_id"],
        "retryDelayExpression": options.retry_delay,
        "callback": options.callback,
        "callbackHeader": _headers(found, options.on_callback),
        "failureCallback": options.failure_callback,
        "failureCallbackHeader": _headers(found, options.on_failure_callback),
        "callerIP": row["caller_ip"],
        "label": options.label[0] if options.label else None,
        "labels": list(options.label),
        "flowControlKey": options.flow_key,
        "parallelism": options.parallelism,
        "rate": options.rate,
        "period": (options.period_s or _DEFAULT_PERIOD_S) if has_limits else None,
    }


def _headers(found: Message, options: MessageOptions | None) -> dict[str, list[str]]:
    lists = as_lists(options.headers) if options else {}
    return redaction.headers(found.options.redact, lists)


def _base64(data: bytes, most: int | None) -> str:
    return b64encode(data if most is None else data[:most]).decode()


def _cut(data: bytes, most: int | None) -> bytes:
    """The first bytes, without a part of a character at the end of a text."""
    if most is None or len(data) <= most:
        return data
    try:
        data[:most].decode()
    except UnicodeDecodeError as error:
        # A character has at most four bytes.
        return data[: error.start] if most - error.start < 4 else data[:most]
    return data[:most]

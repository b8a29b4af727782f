"""The requests to the callback URLs of a message. Source: QStash docs, "Callbacks"."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from qstash_cli.protocol.headers import as_lists
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.delivery.http_attempt import AttemptResponse
from qstash_cli.server.storage.messages import NewMessage, StoredMessage

Report = dict[str, Any]
_JSON = ("Content-Type", "application/json")


def new_callbacks(
    message: StoredMessage, response: AttemptResponse, dlq_id: str | None, now_ms: int
) -> Iterator[NewMessage]:
    """Yields the callbacks that report an attempt.

    `dlq_id` is the DLQ entry of a message that failed.
    """
    options = message.options
    if options.callback is None and options.failure_callback is None:
        return
    body = json.dumps(report(message, response, dlq_id)).encode()
    if options.callback is not None:
        yield new_callback(message, options.callback, options.on_callback, body, now_ms)
    if options.failure_callback is not None and dlq_id is not None:
        yield new_callback(
            message, options.failure_callback, options.on_failure_callback, body, now_ms
        )


def new_callback(
    message: StoredMessage, url: str, own: MessageOptions | None, body: bytes, now_ms: int
) -> NewMessage:
    """Returns the message to a callback URL with a report on another message."""
    options = own or MessageOptions()
    if options.retries is None:
        options = replace(options, retries=message.max_retries)
    names = {name.lower() for name, _ in options.headers}
    if "content-type" not in names:
        options = replace(options, headers=(_JSON, *options.headers))
    return NewMessage(
        url=url,
        options=options,
        body=body,
        created_ms=now_ms,
        due_ms=now_ms + (options.delay_s or 0) * 1000,
        caller_ip=message.caller_ip,
        callback_of=message.id,
    )


def report(message: StoredMessage, response: AttemptResponse, dlq_id: str | None) -> Report:
    """Returns what a callback reports on an attempt."""
    found = {
        "status": response.status,
        "header": as_lists(response.headers),
        "body": b64encode(response.body or response.error.encode()).decode(),
        "retried": message.retried or None,
        "dlqId": dlq_id,
        "sourceMessageId": message.id,
        "topicName": message.url_group,
        "endpointName": message.endpoint,
        "url": message.url,
        "method": message.options.method or "POST",
        "sourceHeader": as_lists(message.options.headers),
        "sourceBody": b64encode(message.body).decode(),
        "maxRetries": message.max_retries,
        "notBefore": message.not_before_ms,
        "createdAt": message.created_ms,
        "scheduleId": message.schedule_id,
        "callerIP": message.caller_ip,
    }
    return {name: value for name, value in found.items() if value is not None}

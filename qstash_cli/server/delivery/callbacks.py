"""What is reported to a message's callback URLs. Source: QStash docs, "Callbacks"."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from qstash_cli.protocol.headers import as_lists
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.delivery.http_attempt import Answer
from qstash_cli.server.storage.message import Draft, Message

_JSON = ("Content-Type", "application/json")


def drafts(message: Message, answer: Answer, dlq_id: str | None, now_ms: int) -> Iterator[Draft]:
    """The callbacks that an attempt brings about; `dlq_id` is that of a message now given up."""
    options = message.options
    if options.callback is not None:
        yield _draft(message, options.callback, options.on_callback, answer, dlq_id, now_ms)
    if options.failure_callback is not None and dlq_id is not None:
        yield _draft(
            message, options.failure_callback, options.on_failure_callback, answer, dlq_id, now_ms
        )


def _draft(  # noqa: PLR0917 - all of it stands in a callback
    message: Message,
    url: str,
    own: MessageOptions | None,
    answer: Answer,
    dlq_id: str | None,
    now_ms: int,
) -> Draft:
    options = own or MessageOptions()
    if options.retries is None:
        options = replace(options, retries=message.max_retries)
    named = {name.lower() for name, _ in options.headers}
    if "content-type" not in named:
        options = replace(options, headers=(_JSON, *options.headers))
    return Draft(
        url=url,
        options=options,
        body=json.dumps(_report(message, answer, dlq_id)).encode(),
        created_ms=now_ms,
        due_ms=now_ms + (options.delay_s or 0) * 1000,
        caller_ip=message.row["caller_ip"],
        callback_of=message.id,
    )


def _report(message: Message, answer: Answer, dlq_id: str | None) -> dict[str, Any]:
    row = message.row
    report = {
        "status": answer.status,
        "header": as_lists(answer.headers),
        "body": b64encode(answer.body or answer.error.encode()).decode(),
        "retried": message.retried or None,
        "dlqId": dlq_id,
        "sourceMessageId": message.id,
        "topicName": row["topic"],
        "endpointName": row["endpoint"],
        "url": message.url,
        "method": message.options.method or "POST",
        "sourceHeader": as_lists(message.options.headers),
        "sourceBody": b64encode(message.body).decode(),
        "maxRetries": message.max_retries,
        "notBefore": row["not_before_ms"],
        "createdAt": row["created_ms"],
        "scheduleId": row["schedule_id"],
        "callerIP": row["caller_ip"],
    }
    return {name: value for name, value in report.items() if value is not None}

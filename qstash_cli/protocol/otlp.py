"""Traces of messages in OTLP's JSON, from the entries of the log.

A message has a span for its publish, and one for each wait and attempt. Their ids derive from the
message, so that every export of a span has the same id.

Sources: OTLP specification 1.5, "JSON Protobuf Encoding"; OpenTelemetry semantic conventions 1.30,
"Messaging spans", "HTTP spans".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from qstash_cli.protocol import traceparent
from qstash_cli.protocol.states import ENDS, normal_state
from qstash_cli.protocol.traceparent import TraceContext

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

Json = dict[str, Any]

# Numbers of `SpanKind` and `StatusCode` in trace.proto.
_INTERNAL, _CLIENT, _PRODUCER = 1, 3, 4
_ERROR = 2
_NS_PER_MS = 1_000_000
_FIRST_ERROR = 400
_ATTEMPT_ENDS = ENDS | {"RETRY", "ERROR"}


class _Message(NamedTuple):
    """What the spans of a message share."""

    id: str
    trace_id: str
    publish_id: str
    parent_id: str
    attributes: Mapping[str, str | int]


def resource_spans(messages: Iterable[Sequence[LogEntry]], version: str) -> Json:
    """Returns a trace export request in OTLP's JSON.

    Each message is its log entries, oldest first. `version` is that of this program. Attributes
    have no bodies, headers, query strings or error texts, which may contain secrets.
    """
    spans = [span for entries in messages for span in _spans(entries)]
    if not spans:
        return {"resourceSpans": []}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes({"service.name": "qstash"})},
                "scopeSpans": [
                    {"scope": {"name": "qstash-cli", "version": version}, "spans": spans}
                ],
            }
        ]
    }


def _spans(entries: Sequence[LogEntry]) -> Iterator[Json]:
    if not entries:
        return
    message = _message(entries)
    waiting_ms: int | None = None
    active_ms: int | None = None
    for entry in entries:
        state, time_ms = normal_state(entry["state"]), entry["time"]
        if state == "CREATED":
            yield _publish(message, time_ms)
            waiting_ms = time_ms
        elif state == "ACTIVE":
            if waiting_ms is not None:
                yield _wait(message, waiting_ms, time_ms)
            waiting_ms, active_ms = None, time_ms
        elif state in _ATTEMPT_ENDS:
            if active_ms is not None:
                yield _attempt(message, active_ms, entry)
            elif state == "CANCELLED" and waiting_ms is not None:
                yield _wait(message, waiting_ms, time_ms)
            # An ERROR is followed by RETRY or FAILED, which belongs to the same attempt.
            waiting_ms = None if state in ENDS else time_ms
            active_ms = None


def _message(entries: Sequence[LogEntry]) -> _Message:
    oldest = entries[0]
    message_id = oldest["messageId"]
    context = _context(entries)
    own_id = _derived_id(8, message_id, "publish")
    if context is None:
        found = _Message(message_id, _derived_id(16, message_id, "trace"), own_id, "", {})
    elif context.is_ours:
        # Nobody else exports the span that `publish --trace` named.
        found = _Message(message_id, context.trace_id, context.span_id, context.parent_id, {})
    else:
        found = _Message(message_id, context.trace_id, own_id, context.span_id, {})
    return found._replace(attributes=_shared_attributes(oldest))


def _context(entries: Sequence[LogEntry]) -> TraceContext | None:
    headers: dict[str, str] = {}
    for entry in entries:
        for name, values in (entry.get("header") or {}).items():
            headers.setdefault(name.lower(), ",".join(values))
    return traceparent.parse(headers.get("traceparent", ""), headers.get("tracestate", ""))


def _shared_attributes(entry: LogEntry) -> dict[str, str | int]:
    found: dict[str, str | int] = {
        "messaging.system": "qstash",
        "messaging.message.id": entry["messageId"],
    }
    destination = entry.get("queueName") or entry.get("topicName")
    try:
        url = urlsplit(entry.get("url") or "")
        host, port = url.hostname or "", url.port
    except ValueError:
        host, port = "", None
    if destination or host:
        found["messaging.destination.name"] = destination or host
    if host:
        found["server.address"] = host
        found["server.port"] = port or (80 if url.scheme == "http" else 443)
    if entry.get("scheduleId"):
        found["qstash.schedule.id"] = entry["scheduleId"]
    return found


def _publish(message: _Message, time_ms: int) -> Json:
    span = _span(message, "publish", _PRODUCER, message.publish_id, (time_ms, time_ms))
    span["attributes"] += _attributes(
        {"messaging.operation.name": "publish", "messaging.operation.type": "send"}
    )
    if message.parent_id:
        return span | {"parentSpanId": message.parent_id}
    del span["parentSpanId"]
    return span


def _wait(message: _Message, start_ms: int, end_ms: int) -> Json:
    span_id = _derived_id(8, message.id, f"wait {start_ms}")
    return _span(message, "wait", _INTERNAL, span_id, (start_ms, end_ms))


def _attempt(message: _Message, start_ms: int, end: LogEntry) -> Json:
    span_id = _derived_id(8, message.id, f"attempt {start_ms}")
    span = _span(message, "deliver", _CLIENT, span_id, (start_ms, end["time"]))
    method = end.get("method") or "POST"
    more: dict[str, str | int] = {
        "messaging.operation.name": "deliver",
        "http.request.method": method,
    }
    status = end.get("responseStatus")
    if status:
        more["http.response.status_code"] = status
    if normal_state(end["state"]) != "DELIVERED":
        is_response = status and status >= _FIRST_ERROR
        cancelled = normal_state(end["state"]) == "CANCELLED"
        more["error.type"] = str(status) if is_response else "cancelled" if cancelled else "_OTHER"
        span["status"] = {"code": _ERROR}
    span["attributes"] += _attributes(more)
    return span


def _span(
    message: _Message, operation: str, kind: int, span_id: str, times_ms: tuple[int, int]
) -> Json:
    start_ms, end_ms = times_ms
    destination = message.attributes.get("messaging.destination.name")
    return {
        "traceId": message.trace_id,
        "spanId": span_id,
        "parentSpanId": message.publish_id,
        "name": f"{operation} {destination}" if destination else operation,
        "kind": kind,
        # Numbers of 64 bits are strings in JSON.
        "startTimeUnixNano": str(start_ms * _NS_PER_MS),
        "endTimeUnixNano": str(max(start_ms, end_ms) * _NS_PER_MS),
        "attributes": _attributes(message.attributes),
    }


def _attributes(values: Mapping[str, str | int]) -> list[Json]:
    return [
        {
            "key": name,
            "value": {"intValue": str(one)} if isinstance(one, int) else {"stringValue": one},
        }
        for name, one in values.items()
    ]


def _derived_id(size_bytes: int, message_id: str, part: str) -> str:
    return hashlib.sha256(f"qstash {part} {message_id}".encode()).hexdigest()[: 2 * size_bytes]

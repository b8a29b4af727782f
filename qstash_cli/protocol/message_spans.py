"""Spans of a message, from the entries of its log.

A message has a span for its publish, and one for each wait and attempt. Their ids derive from the
message and the times in its log, so that all who export a span give it the same id.

Source: OpenTelemetry semantic conventions 1.30, "Messaging spans", "HTTP spans".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

from qstash_cli.protocol import traceparent
from qstash_cli.protocol.states import ENDS, normal_state
from qstash_cli.protocol.traceparent import TraceContext

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

SERVICE_NAME = "qstash"
SCOPE_NAME = "qstash-cli"

SpanKind = Literal["internal", "client", "producer"]
Attributes = Mapping[str, str | int]

_FIRST_ERROR = 400
_OF_ONE_MESSAGE = ("messaging.message.id", "server.address", "server.port")
_ATTEMPT_ENDS = ENDS | {"RETRY", "ERROR"}


class MessageSpan(NamedTuple):
    """A span of a message. Ids are in lower-case hex; a root has no parent.

    Attributes have no bodies, headers, query strings or error texts, which may contain secrets.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: SpanKind
    start_ms: int
    end_ms: int
    attributes: Attributes
    is_error: bool = False


class MessageTrace(NamedTuple):
    """The place of a message in its trace: the context of its publish, and the parent's span id.

    `is_given` says whether the message has a trace context, or starts a trace of its own.
    """

    message_id: str
    publish: TraceContext
    parent_id: str
    is_given: bool

    def attempt(self, started_ms: int, number: int = 1) -> TraceContext:
        """Returns the context of an attempt, the nth of those that start in a millisecond."""
        span_id = _derived_id(8, self.message_id, _part("attempt", started_ms, number))
        return self.publish._replace(span_id=span_id)


def trace_of(message_id: str, headers: Mapping[str, Sequence[str]]) -> MessageTrace:
    """Returns the place of a message whose publisher forwards these headers."""
    values: dict[str, str] = {}
    for name, given in headers.items():
        values.setdefault(name.lower(), ",".join(given))
    context = traceparent.parse(values.get("traceparent", ""), values.get("tracestate", ""))
    own_id = _derived_id(8, message_id, "publish")
    if context is None:
        own = TraceContext(_derived_id(16, message_id, "trace"), own_id)
        return MessageTrace(message_id, own, "", is_given=False)
    if context.is_ours:
        # Nobody else exports the span that `--trace` named.
        return MessageTrace(message_id, context, context.parent_id, is_given=True)
    publish = context._replace(span_id=own_id)
    return MessageTrace(message_id, publish, context.span_id, is_given=True)


def trace_of_log(entries: Sequence[LogEntry]) -> MessageTrace:
    """Returns the place of a message with these log entries, of which there is at least one."""
    headers: dict[str, list[str]] = {}
    for entry in entries:
        for name, values in (entry.get("header") or {}).items():
            headers.setdefault(name.lower(), values)
    return trace_of(entries[0]["messageId"], headers)


def spans_of(
    trace: MessageTrace, entries: Sequence[LogEntry], first: int = 0
) -> Iterator[MessageSpan]:
    """Yields the spans of a message from the entries of its log, oldest first.

    Yields only spans that end with the entry at the index `first` or later.
    """
    if not entries:
        return
    log = _Log(trace, _shared(entries[0]))
    for index, entry in enumerate(entries):
        span = log.read(entry)
        if span is not None and index >= first:
            yield span


@dataclass
class _Log:
    """Reads the log of a message, entry by entry."""

    trace: MessageTrace
    shared: Attributes
    waiting_ms: int | None = None
    active_ms: int | None = None
    seen: Counter[tuple[str, int]] = field(default_factory=Counter)

    def read(self, entry: LogEntry) -> MessageSpan | None:
        """Returns the span that ends with an entry."""
        state, time_ms = normal_state(entry["state"]), entry["time"]
        span = None
        if state == "CREATED":
            span = self._publish(entry)
            self.waiting_ms = time_ms
        elif state == "ACTIVE":
            if self.waiting_ms is not None:
                span = self._wait(self.waiting_ms, time_ms)
            self.waiting_ms, self.active_ms = None, time_ms
            self.seen["attempt", time_ms] += 1
        elif state in _ATTEMPT_ENDS:
            if self.active_ms is not None:
                span = self._attempt(self.active_ms, entry)
            elif state == "CANCELLED" and self.waiting_ms is not None:
                span = self._wait(self.waiting_ms, time_ms)
            # An ERROR is followed by RETRY or FAILED, which belongs to the same attempt.
            self.waiting_ms = None if state in ENDS else time_ms
            self.active_ms = None
        return span

    def _publish(self, entry: LogEntry) -> MessageSpan:
        more = {"messaging.operation.name": "publish", "messaging.operation.type": "send"}
        times_ms = (entry["time"], entry["time"])
        span = self._span("publish", "producer", self.trace.publish.span_id, times_ms, more)
        attributes = span.attributes
        if self.trace.publish.is_ours and entry.get("topicName"):
            # The messages to the endpoints of a URL group share this span.
            attributes = {n: v for n, v in attributes.items() if n not in _OF_ONE_MESSAGE}
        return span._replace(parent_id=self.trace.parent_id, attributes=attributes)

    def _wait(self, start_ms: int, end_ms: int) -> MessageSpan:
        self.seen["wait", start_ms] += 1
        part = _part("wait", start_ms, self.seen["wait", start_ms])
        span_id = _derived_id(8, self.trace.message_id, part)
        return self._span("wait", "internal", span_id, (start_ms, end_ms), {})

    def _attempt(self, start_ms: int, end: LogEntry) -> MessageSpan:
        more: dict[str, str | int] = {
            "messaging.operation.name": "deliver",
            "http.request.method": end.get("method") or "POST",
        }
        status, state = end.get("responseStatus"), normal_state(end["state"])
        if status:
            more["http.response.status_code"] = status
        if state != "DELIVERED":
            is_response = status and status >= _FIRST_ERROR
            cancelled = state == "CANCELLED"
            more["error.type"] = (
                str(status) if is_response else "cancelled" if cancelled else "_OTHER"
            )
        span_id = self.trace.attempt(start_ms, self.seen["attempt", start_ms]).span_id
        span = self._span("deliver", "client", span_id, (start_ms, end["time"]), more)
        return span._replace(is_error=state != "DELIVERED")

    def _span(
        self,
        operation: str,
        kind: SpanKind,
        span_id: str,
        times_ms: tuple[int, int],
        more: Attributes,
    ) -> MessageSpan:
        start_ms, end_ms = times_ms
        destination = self.shared.get("messaging.destination.name")
        publish = self.trace.publish
        return MessageSpan(
            trace_id=publish.trace_id,
            span_id=span_id,
            parent_id=publish.span_id,
            name=f"{operation} {destination}" if destination else operation,
            kind=kind,
            start_ms=start_ms,
            end_ms=max(start_ms, end_ms),
            attributes={**self.shared, **more},
        )


def _shared(entry: LogEntry) -> dict[str, str | int]:
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


def _part(name: str, start_ms: int, number: int) -> str:
    # Several spans start in a millisecond if the clock stands still.
    return f"{name} {start_ms}" if number == 1 else f"{name} {start_ms} {number}"


def _derived_id(size_bytes: int, message_id: str, part: str) -> str:
    return hashlib.sha256(f"qstash {part} {message_id}".encode()).hexdigest()[: 2 * size_bytes]

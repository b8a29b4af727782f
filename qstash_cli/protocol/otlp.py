"""Traces of messages in OTLP's JSON. Source: OTLP specification 1.5, "JSON Protobuf Encoding"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from qstash_cli.protocol.message_spans import (
    SCOPE_NAME,
    SERVICE_NAME,
    MessageSpan,
    spans_of,
    trace_of_log,
)

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

Json = dict[str, Any]

# Numbers of `SpanKind` and `StatusCode` in trace.proto.
_KINDS = {"internal": 1, "client": 3, "producer": 4}
_ERROR = 2
_NS_PER_MS = 1_000_000
_CHUNK = 500
_REMEMBERED = 10_000


def resource_spans(messages: Iterable[Sequence[LogEntry]], version: str) -> Iterator[Json]:
    """Yields the elements of `resourceSpans` in a trace export request, as the messages arrive.

    Each message is its log entries, oldest first. `version` is that of this program.
    """
    spans = map(_json, _without_repeats(messages))
    while chunk := list(islice(spans, _CHUNK)):
        yield {
            "resource": {"attributes": _attributes({"service.name": SERVICE_NAME})},
            "scopeSpans": [{"scope": {"name": SCOPE_NAME, "version": version}, "spans": chunk}],
        }


def _without_repeats(messages: Iterable[Sequence[LogEntry]]) -> Iterator[MessageSpan]:
    """Yields the spans. The messages of one publish to a URL group share its span."""
    # In order of insertion. A publish creates all of its messages at once, so old ones can go.
    seen: dict[tuple[str, str], None] = {}
    for entries in messages:
        for span in spans_of(trace_of_log(entries), entries) if entries else ():
            if (span.trace_id, span.span_id) not in seen:
                yield span
            if span.kind == "producer":
                seen[span.trace_id, span.span_id] = None
                if len(seen) > _REMEMBERED:
                    del seen[next(iter(seen))]


def _json(span: MessageSpan) -> Json:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        **({"parentSpanId": span.parent_id} if span.parent_id else {}),
        "name": span.name,
        "kind": _KINDS[span.kind],
        # Numbers of 64 bits are strings in JSON.
        "startTimeUnixNano": str(span.start_ms * _NS_PER_MS),
        "endTimeUnixNano": str(span.end_ms * _NS_PER_MS),
        "attributes": _attributes(span.attributes),
        **({"status": {"code": _ERROR}} if span.is_error else {}),
    }


def _attributes(values: Mapping[str, str | int]) -> list[Json]:
    return [
        {
            "key": name,
            "value": {"intValue": str(one)} if isinstance(one, int) else {"stringValue": one},
        }
        for name, one in values.items()
    ]

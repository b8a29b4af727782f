from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, cast

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from qstash_cli.commands.logs.timelines import timelines_as_completed
from qstash_cli.protocol.otlp import resource_spans
from qstash_cli.protocol.records import LogEntry
from tests.in_process import Qstash
from tests.sink import Sink

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
_PRODUCER = 4
IDS = ("traceId", "spanId", "parentSpanId")


def exported(local: Qstash, *flags: str) -> list[Span]:
    """Returns the spans as the official classes read them."""
    run = local("logs", "-o", "otlp", *flags)
    assert run.code == 0, run

    def in_base64(values: dict[str, Any]) -> dict[str, Any]:
        # Protobuf's own JSON has base64 where OTLP requires hex.
        return {
            name: b64encode(bytes.fromhex(value)).decode() if name in IDS else value
            for name, value in values.items()
        }

    data = json.loads(run.out, object_hook=in_base64)
    request = json_format.ParseDict(data, ExportTraceServiceRequest())
    return [
        span
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes(span: Span) -> dict[str, str | int]:
    return {
        one.key: one.value.int_value if one.value.HasField("int_value") else one.value.string_value
        for one in span.attributes
    }


def test_each_attempt_and_wait_is_a_span_below_the_publish(local: Qstash, sink: Sink) -> None:
    sink.statuses = [503, 200]
    url = f"{sink.url}/hook?key=secret-in-url"
    local("publish", url, "a=1", "--retry-delay", "1", "--trace", "--wait",
          TRACEPARENT=f"00-{TRACE}-{PARENT}-01")  # fmt: skip
    forwarded = sink.received[0].header("traceparent") or ""

    publish, *others = exported(local)

    assert {span.trace_id.hex() for span in (publish, *others)} == {TRACE}
    assert publish.parent_span_id.hex() == PARENT
    assert publish.span_id.hex() == forwarded.split("-")[2]
    assert {span.parent_span_id for span in others} == {publish.span_id}
    assert [span.name.partition(" ")[0] for span in others] == ["wait", "deliver"] * 2
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in others)
    failed, delivered = others[1], others[3]
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert attributes(failed)["error.type"] == "503"
    assert delivered.status.code == Status.STATUS_CODE_UNSET
    found = attributes(delivered)
    assert found["messaging.system"] == "qstash"
    assert str(found["messaging.message.id"]).startswith("msg_")
    assert found["http.response.status_code"] == 200
    assert found["server.address"] == "127.0.0.1"
    assert f"{sink.url}".endswith(f":{found['server.port']}")
    assert "secret" not in str((publish, *others))


def test_the_span_of_an_application_is_the_parent_of_the_publish(local: Qstash, sink: Sink) -> None:
    local("publish", sink.url, "-H", f"traceparent: 00-{TRACE}-{PARENT}-01", "--wait")

    publish = exported(local)[0]

    assert publish.parent_span_id.hex() == PARENT
    assert publish.span_id.hex() != PARENT


def test_an_application_that_continues_the_trace_of_a_message_keeps_its_own_span(
    local: Qstash, sink: Sink
) -> None:
    local("publish", sink.url, "--trace", "--wait")
    trace, state = (sink.received[0].header(name) or "" for name in ("traceparent", "tracestate"))
    _, trace_id, span_id, flags = trace.split("-")
    # OpenTelemetry forwards the `tracestate` of others unchanged.
    local("publish", sink.url, "-H", f"traceparent: 00-{trace_id}-{PARENT}-{flags}",
          "-H", f"tracestate: {state}", "--wait")  # fmt: skip

    published = [span for span in exported(local) if span.name.startswith("publish ")]

    assert {span.trace_id.hex() for span in published} == {trace_id}
    assert {span.parent_span_id.hex() for span in published} == {"", PARENT}
    assert PARENT not in {span.span_id.hex() for span in published}
    assert span_id in {span.span_id.hex() for span in published}


def test_messages_without_a_context_are_traces_with_the_same_ids_in_every_export(
    local: Qstash, sink: Sink
) -> None:
    for _ in range(2):
        local("publish", sink.url, "--wait")

    first, second = exported(local), exported(local)

    assert [span.span_id for span in first] == [span.span_id for span in second]
    assert len({span.span_id for span in first}) == len(first) == 6
    assert len({span.trace_id for span in first}) == 2
    assert [span.parent_span_id for span in first].count(b"") == 2
    assert len(exported(local, "--limit", "1")) == 3


def test_an_attempt_without_a_response_has_no_status_code(local: Qstash) -> None:
    local("publish", "http://127.0.0.1:9/b", "--retries", "0", "--wait")

    *_, attempt = exported(local)

    assert attributes(attempt)["error.type"] == "_OTHER"
    assert "http.response.status_code" not in attributes(attempt)


def test_an_empty_log_is_a_valid_export(local: Qstash) -> None:
    assert exported(local, "--message", "msg_unknown") == []


@pytest.mark.parametrize("flags", [("--follow",), ("--stats",), ("--query", "[0]"), ("--dry-run",)])
def test_options_without_messages_are_refused(local: Qstash, flags: tuple[str, ...]) -> None:
    run = local("logs", "-o", "otlp", *flags)

    assert run.code == 2, run
    assert "otlp" in run.err


def test_all_spans_are_written_while_the_log_is_read() -> None:
    read = 0

    def log() -> Iterator[LogEntry]:
        nonlocal read
        for number in reversed(range(5000)):
            for ms, state in ((2, "DELIVERED"), (1, "ACTIVE"), (0, "CREATED")):
                read += 1
                yield {"messageId": f"msg_{number}", "time": number * 10 + ms, "state": state}

    messages = (cast("list[LogEntry]", one["entries"]) for one in timelines_as_completed(log()))
    exported = resource_spans(messages, "1")

    first = next(exported)
    assert 0 < read < 3000
    spans = [span for one in (first, *exported) for span in one["scopeSpans"][0]["spans"]]
    assert len({span["spanId"] for span in spans if span["kind"] == _PRODUCER}) == 5000


def test_entries_of_one_millisecond_belong_to_their_message_in_any_order() -> None:
    log: list[LogEntry] = [
        {"messageId": "b", "time": 7, "state": "ACTIVE"},
        {"messageId": "a", "time": 5, "state": "CREATED"},
        {"messageId": "a", "time": 5, "state": "ACTIVE"},
        {"messageId": "c", "time": 3, "state": "CREATED"},
    ]

    found = [(one["messageId"], one["entries"]) for one in timelines_as_completed(log)]

    assert found == [("a", [log[2], log[1]]), ("b", [log[0]]), ("c", [log[3]])]

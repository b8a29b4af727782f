"""Spans that the server exports while it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tests import plain_http
from tests.commands.test_traces import attributes, exported
from tests.server.conftest import Collector, TracedServer
from tests.sink import Sink

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FROM_APP = ("-H", f"traceparent: 00-{TRACE}-{PARENT}-01", "-H", "tracestate: vendor=1")
Eventually = Callable[[Callable[[], object]], object]


def operations(spans: list[Span]) -> list[str]:
    return [span.name.partition(" ")[0] for span in spans]


def comparable(spans: list[Span]) -> set[tuple[object, ...]]:
    """Returns what two exports of the same spans agree on."""
    return {
        (
            span.trace_id, span.span_id, span.parent_span_id, span.name, span.kind,
            span.start_time_unix_nano, span.end_time_unix_nano, span.status.code,
            tuple(sorted(attributes(span).items())),
        )
        for span in spans
    }  # fmt: skip


def test_a_delivery_is_between_the_spans_of_publisher_and_handler(
    traced_server: TracedServer, collector: Collector, sink: Sink
) -> None:
    traced_server.start()("publish", sink.url, "secret-in-body=1", *FROM_APP, "--wait")
    traced_server.stop()

    publish, wait, attempt = collector.spans
    assert operations(collector.spans) == ["publish", "wait", "deliver"]
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert publish.parent_span_id.hex() == PARENT
    assert wait.parent_span_id == attempt.parent_span_id == publish.span_id
    (received,) = sink.received
    assert received.header("traceparent") == f"00-{TRACE}-{attempt.span_id.hex()}-01"
    assert received.header("tracestate") == "vendor=1"
    assert [n for n, _ in received.headers].count("traceparent") == 1
    assert attributes(attempt)["http.response.status_code"] == 200
    assert "secret" not in str(collector.requests)


def test_the_spans_of_an_application_continue_above_and_below_a_delivery(
    traced_server: TracedServer, collector: Collector, sink: Sink
) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("application")
    propagator, carrier = TraceContextTextMapPropagator(), dict[str, str]()
    with tracer.start_as_current_span("checkout") as checkout:
        propagator.inject(carrier)
    traced_server.start()(
        "publish", sink.url, "-H", f"traceparent: {carrier['traceparent']}", "--wait"
    )
    traced_server.stop()
    handler = tracer.start_span("handle", propagator.extract(dict(sink.received[0].headers)))

    publish, _, attempt = collector.spans
    assert isinstance(handler, ReadableSpan)
    assert handler.parent is not None
    assert publish.parent_span_id.hex() == format_span_id(checkout.get_span_context().span_id)
    assert attempt.span_id.hex() == format_span_id(handler.parent.span_id)
    assert attempt.trace_id.hex() == format_trace_id(handler.get_span_context().trace_id)


def test_a_server_that_was_restarted_exports_what_happens_since(
    traced_server: TracedServer,
    collector: Collector,
    sink: Sink,
    tmp_path: Path,
    eventually: Eventually,
) -> None:
    file = tmp_path / "qstash.db"
    message = traced_server.start(db=file)("publish", sink.url, "--delay", "1h").out.strip()
    traced_server.stop()
    (publish,) = collector.spans
    qstash = traced_server.start(db=file)
    qstash("message", "run-now", message)
    eventually(lambda: sink.received)
    qstash("message", "wait", message)
    of_log = exported(qstash)
    traced_server.stop()

    assert operations(collector.spans) == ["publish", "wait", "deliver"]
    assert {span.parent_span_id for span in collector.spans[1:]} == {publish.span_id}
    assert comparable(collector.spans) == comparable(of_log)


def test_each_attempt_is_a_span_with_its_own_status_and_parent_of_its_request(
    traced_server: TracedServer, collector: Collector, sink: Sink
) -> None:
    sink.statuses = [503, 500, 200]
    traced_server.start()("publish", sink.url, "a=1", "--retry-delay", "1", "--trace", "--wait")
    traced_server.stop()

    attempts = [span for span in collector.spans if span.name.startswith("deliver")]
    parents = [one.header("traceparent").split("-")[2] for one in sink.received]
    assert [span.span_id.hex() for span in attempts] == parents
    assert len(set(parents)) == 3
    ok, error = Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR
    assert [span.status.code for span in attempts] == [error, error, ok]
    assert [attributes(span).get("error.type") for span in attempts] == ["503", "500", None]


def test_the_last_attempt_of_a_failed_message_is_an_error(
    traced_server: TracedServer, collector: Collector
) -> None:
    traced_server.start()("publish", "http://127.0.0.1:9/b", "--retries", "0", "--wait")
    traced_server.stop()

    attempt = collector.spans[-1]
    assert attempt.status.code == Status.STATUS_CODE_ERROR
    assert attributes(attempt)["error.type"] == "_OTHER"


@pytest.mark.parametrize("flags", [(), FROM_APP, ("--trace",)], ids=["own", "app", "trace"])
def test_the_spans_are_those_of_the_exported_log(
    traced_server: TracedServer, collector: Collector, sink: Sink, flags: tuple[str, ...]
) -> None:
    sink.statuses = [500, 200]
    qstash = traced_server.start()
    qstash("publish", sink.url, "--retry-delay", "1", *flags, "--wait")
    qstash("publish", sink.url, "--delay", "1h", *flags)
    message = qstash("publish", sink.url, "--delay", "1h", *flags).out.strip()
    qstash("cancel", message, "--yes")
    of_log = exported(qstash)
    traced_server.stop()

    assert comparable(collector.spans) == comparable(of_log)
    assert len(collector.spans) == len(of_log)
    assert sink.received[0].header("traceparent").split("-")[1] == of_log[-1].trace_id.hex()


def test_every_attempt_of_a_message_with_many_retries_is_a_span(
    traced_server: TracedServer, collector: Collector, sink: Sink
) -> None:
    # More entries than the server reads again for each new one.
    sink.statuses = [500] * 50 + [200]
    qstash = traced_server.start()
    qstash("publish", sink.url, "--retries", "50", "--retry-delay", "1", "--wait")
    of_log = exported(qstash)
    traced_server.stop()

    assert len(collector.spans) == len(of_log) == 1 + 2 * 51
    assert comparable(collector.spans) == comparable(of_log)


def test_spans_have_different_ids_even_if_the_clock_stands_still(
    traced_server: TracedServer, collector: Collector, sink: Sink
) -> None:
    sink.statuses = [500, 500, 200]
    qstash = traced_server.start(speed=0)
    message = qstash("publish", sink.url, "--retry-delay", "1000").out.strip()
    for attempt in (1, 2, 3):
        headers = {"Authorization": f"Bearer {qstash.env['QSTASH_TOKEN']}"}
        clock = f"{qstash.env['QSTASH_URL']}/console/api/clock"
        assert plain_http.post(clock, headers=headers, json={"settle": True}).json()["settled"]
        assert len(sink.received) == attempt
        if attempt < 3:
            assert qstash("message", "run-now", message).code == 0
    of_log = exported(qstash)
    traced_server.stop()

    assert comparable(collector.spans) == comparable(of_log)
    assert len({span.span_id for span in collector.spans}) == len(of_log) == 7
    starts = {span.start_time_unix_nano for span in of_log}
    assert len(starts) == 1
    parents = [one.header("traceparent").split("-")[2] for one in sink.received]
    attempts = [span for span in of_log if span.name.startswith("deliver")]
    assert [span.span_id.hex() for span in attempts] == parents


def test_a_context_that_is_not_sampled_is_forwarded_and_not_exported(
    traced_server: TracedServer, collector: Collector, sink: Sink
) -> None:
    unsampled = f"00-{TRACE}-{PARENT}-00"
    traced_server.start()("publish", sink.url, "-H", f"traceparent: {unsampled}", "--wait")
    traced_server.stop()

    assert sink.received[0].header("traceparent") == unsampled
    assert collector.spans == []


def test_a_sampler_of_the_variables_decides_for_messages_without_a_context(
    traced_server: TracedServer, collector: Collector, sink: Sink, otel: pytest.MonkeyPatch
) -> None:
    otel.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    qstash = traced_server.start()
    qstash("publish", sink.url, "--wait")
    qstash("publish", sink.url, *FROM_APP, "--wait")
    traced_server.stop()

    assert sink.received[0].header("traceparent") == ""
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}


def test_a_context_that_is_redacted_is_forwarded_and_stays_out_of_the_spans(
    traced_server: TracedServer, collector: Collector, sink: Sink
) -> None:
    traced_server.start()(
        "publish", sink.url, *FROM_APP, "--redact", "header[traceparent]", "--wait"
    )
    traced_server.stop()

    assert sink.received[0].header("traceparent") == f"00-{TRACE}-{PARENT}-01"
    assert operations(collector.spans) == ["publish", "wait", "deliver"]
    assert TRACE not in {span.trace_id.hex() for span in collector.spans}


def test_the_messages_of_one_publish_to_a_url_group_share_its_span(
    traced_server: TracedServer, collector: Collector, sink: Sink
) -> None:
    qstash = traced_server.start()
    qstash("urlgroup", "add", "both", f"{sink.url}/a", f"{sink.url}/b")
    qstash("publish", "both", "a=1", "--trace", "--wait")
    of_log = exported(qstash)
    traced_server.stop()

    assert sorted(operations(collector.spans)) == ["deliver"] * 2 + ["publish"] + ["wait"] * 2
    assert comparable(collector.spans) == comparable(of_log)
    assert len(of_log) == 5


def test_the_service_has_the_name_of_the_variable(
    traced_server: TracedServer, collector: Collector, sink: Sink, otel: pytest.MonkeyPatch
) -> None:
    names = []
    for name in ("", "orders-queue"):
        otel.setenv("OTEL_SERVICE_NAME", name)
        traced_server.start()("publish", sink.url, "--wait")
        traced_server.stop()
        (resource,) = collector.requests[-1].resource_spans
        names += [
            one.value.string_value
            for one in resource.resource.attributes
            if one.key == "service.name"
        ]

    assert names == ["qstash", "orders-queue"]

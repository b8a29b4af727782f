"""Spans that the server exports while it runs."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from qstash_cli.server.tracing.exporter import OtlpExport
from tests.commands.test_traces import attributes, exported
from tests.in_process import Qstash
from tests.sink import Sink

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FROM_APP = ("-H", f"traceparent: 00-{TRACE}-{PARENT}-01", "-H", "tracestate: vendor=1")
Eventually = Callable[[Callable[[], object]], object]


class Collector:
    """A collector of OTLP over HTTP that reads requests with the official classes."""

    def __init__(self) -> None:
        self.status = 200
        self.may_respond = Event()
        self.may_respond.set()
        self.endpoint = LocalEndpoint("")

    def respond(self, _request: Received) -> tuple[int, bytes]:
        self.may_respond.wait(10)
        return self.status, b""

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(one.body) for one in self.endpoint.received]

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector()
    with running_endpoint(found.respond) as endpoint:
        found.endpoint = endpoint
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        yield found


class TracedServer:
    """A server that exports traces once it is started."""

    def __init__(self, qstash: Qstash, stack: ExitStack) -> None:
        self._qstash = qstash
        self._stack = stack
        self.log = io.StringIO()

    def start(self, **settings: Any) -> Qstash:
        config = ServerConfig(port=0, spans=OtlpExport(), log=self.log, **settings)
        url = self._stack.enter_context(running_server(config))
        self._qstash.env |= {"QSTASH_URL": url, "QSTASH_TOKEN": config.users[0].token}
        return self._qstash

    def stop(self) -> None:
        """Stops the server, which exports the spans that wait."""
        self._stack.close()


@pytest.fixture
def server(qstash: Qstash) -> Iterator[TracedServer]:
    with ExitStack() as stack:
        yield TracedServer(qstash, stack)


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
    server: TracedServer, collector: Collector, sink: Sink
) -> None:
    server.start()("publish", sink.url, "secret-in-body=1", *FROM_APP, "--wait")
    server.stop()

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


def test_each_attempt_is_a_span_with_its_own_status_and_parent_of_its_request(
    server: TracedServer, collector: Collector, sink: Sink
) -> None:
    sink.statuses = [503, 500, 200]
    server.start()("publish", sink.url, "a=1", "--retry-delay", "1", "--trace", "--wait")
    server.stop()

    attempts = [span for span in collector.spans if span.name.startswith("deliver")]
    parents = [one.header("traceparent").split("-")[2] for one in sink.received]
    assert [span.span_id.hex() for span in attempts] == parents
    assert len(set(parents)) == 3
    ok, error = Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR
    assert [span.status.code for span in attempts] == [error, error, ok]
    assert [attributes(span).get("error.type") for span in attempts] == ["503", "500", None]


def test_the_last_attempt_of_a_failed_message_is_an_error(
    server: TracedServer, collector: Collector
) -> None:
    server.start()("publish", "http://127.0.0.1:9/b", "--retries", "0", "--wait")
    server.stop()

    attempt = collector.spans[-1]
    assert attempt.status.code == Status.STATUS_CODE_ERROR
    assert attributes(attempt)["error.type"] == "_OTHER"


@pytest.mark.parametrize("flags", [(), FROM_APP, ("--trace",)], ids=["own", "app", "trace"])
def test_the_spans_are_those_of_the_exported_log(
    server: TracedServer, collector: Collector, sink: Sink, flags: tuple[str, ...]
) -> None:
    sink.statuses = [500, 200]
    qstash = server.start()
    qstash("publish", sink.url, "--retry-delay", "1", *flags, "--wait")
    qstash("publish", sink.url, "--delay", "1h", *flags)
    message = qstash("publish", sink.url, "--delay", "1h", *flags).out.strip()
    qstash("cancel", message, "--yes")
    of_log = exported(qstash)
    server.stop()

    assert comparable(collector.spans) == comparable(of_log)
    assert len(collector.spans) == len(of_log)
    assert sink.received[0].header("traceparent").split("-")[1] == of_log[-1].trace_id.hex()


def test_every_attempt_of_a_message_with_many_retries_is_a_span(
    server: TracedServer, collector: Collector, sink: Sink
) -> None:
    # More entries than the server reads again for each new one.
    sink.statuses = [500] * 50 + [200]
    qstash = server.start()
    qstash("publish", sink.url, "--retries", "50", "--retry-delay", "1", "--wait")
    of_log = exported(qstash)
    server.stop()

    assert len(collector.spans) == len(of_log) == 1 + 2 * 51
    assert comparable(collector.spans) == comparable(of_log)


def test_spans_have_different_ids_even_if_the_clock_stands_still(
    server: TracedServer, collector: Collector, sink: Sink, eventually: Eventually
) -> None:
    sink.statuses = [500, 500, 200]
    qstash = server.start(speed=0)
    message = qstash("publish", sink.url, "--retry-delay", "1000").out.strip()
    for attempt in (1, 2, 3):
        eventually(lambda count=attempt: len(sink.received) == count)  # type: ignore[misc]
        eventually(lambda: qstash("message", "get", message, "-o", "json"))
        qstash("message", "run-now", message)
    of_log = exported(qstash)
    server.stop()

    assert comparable(collector.spans) == comparable(of_log)
    assert len({span.span_id for span in collector.spans}) == len(of_log) == 7
    starts = {span.start_time_unix_nano for span in of_log}
    assert len(starts) == 1
    parents = [one.header("traceparent").split("-")[2] for one in sink.received]
    attempts = [span for span in of_log if span.name.startswith("deliver")]
    assert [span.span_id.hex() for span in attempts] == parents


def test_a_context_that_is_not_sampled_is_forwarded_and_not_exported(
    server: TracedServer, collector: Collector, sink: Sink
) -> None:
    unsampled = f"00-{TRACE}-{PARENT}-00"
    server.start()("publish", sink.url, "-H", f"traceparent: {unsampled}", "--wait")
    server.stop()

    assert sink.received[0].header("traceparent") == unsampled
    assert collector.spans == []


def test_a_sampler_of_the_variables_decides_for_messages_without_a_context(
    server: TracedServer, collector: Collector, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    qstash = server.start()
    qstash("publish", sink.url, "--wait")
    qstash("publish", sink.url, *FROM_APP, "--wait")
    server.stop()

    assert sink.received[0].header("traceparent") == ""
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}


def test_a_context_that_is_redacted_is_forwarded_and_stays_out_of_the_spans(
    server: TracedServer, collector: Collector, sink: Sink
) -> None:
    server.start()("publish", sink.url, *FROM_APP, "--redact", "header[traceparent]", "--wait")
    server.stop()

    assert sink.received[0].header("traceparent") == f"00-{TRACE}-{PARENT}-01"
    assert operations(collector.spans) == ["publish", "wait", "deliver"]
    assert TRACE not in {span.trace_id.hex() for span in collector.spans}


def test_the_messages_of_one_publish_to_a_url_group_share_its_span(
    server: TracedServer, collector: Collector, sink: Sink
) -> None:
    qstash = server.start()
    qstash("urlgroup", "add", "both", f"{sink.url}/a", f"{sink.url}/b")
    qstash("publish", "both", "a=1", "--trace", "--wait")
    of_log = exported(qstash)
    server.stop()

    assert sorted(operations(collector.spans)) == ["deliver"] * 2 + ["publish"] + ["wait"] * 2
    assert comparable(collector.spans) == comparable(of_log)
    assert len(of_log) == 5


def test_the_service_has_the_name_of_the_variable(
    server: TracedServer, collector: Collector, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    for name in ("", "orders-queue"):
        monkeypatch.setenv("OTEL_SERVICE_NAME", name)
        server.start()("publish", sink.url, "--wait")
        server.stop()
        (resource,) = collector.requests[-1].resource_spans
        names += [
            one.value.string_value
            for one in resource.resource.attributes
            if one.key == "service.name"
        ]

    assert names == ["qstash", "orders-queue"]


def test_a_collector_that_refuses_costs_one_warning_without_secrets(
    server: TracedServer, collector: Collector, sink: Sink, monkeypatch: pytest.MonkeyPatch,
    eventually: Eventually,
) -> None:  # fmt: skip
    port = collector.endpoint.url.rpartition(":")[2]
    endpoint = f"http://user:secret-password@127.0.0.1:{port}/v1/traces?key=secret-in-query"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=secret-key,secret-without-equals")
    collector.status = 401
    qstash = server.start()
    for _ in range(2):
        before = len(collector.endpoint.received)
        assert qstash("publish", sink.url, "--wait").code == 0
        eventually(lambda: len(collector.endpoint.received) > before)  # noqa: B023 - same round
    server.stop()

    assert collector.endpoint.received[0].header("x-api-key") == "secret-key"
    warning = f"warning: traces are not exported: http://127.0.0.1:{port}: status 401\n"
    assert server.log.getvalue() == warning


def test_a_collector_that_is_down_delays_neither_deliveries_nor_the_end(
    server: TracedServer, sink: Sink, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    qstash = server.start()
    for _ in range(3):
        assert qstash("publish", sink.url, "--wait").code == 0
    eventually(server.log.getvalue)
    started_s = time.monotonic()
    server.stop()

    # The SDK would try again for some seconds.
    assert time.monotonic() - started_s < 1.5
    warning = "warning: traces are not exported: http://127.0.0.1:9: connection refused\n"
    assert server.log.getvalue() == warning
    assert len(sink.received) == 3


def test_no_span_is_lost_while_a_collector_is_slow(
    server: TracedServer, collector: Collector, sink: Sink, tmp_path: Path, eventually: Eventually
) -> None:
    # More spans than the SDK keeps in its queue.
    count = 700
    bodies = tmp_path / "bodies.jsonl"
    bodies.write_text("1\n" * count)
    collector.may_respond.clear()
    server.start()("batch", str(bodies), "--to", sink.url)
    eventually(lambda: len(sink.received) == count)
    assert len(collector.endpoint.received) == 1
    collector.may_respond.set()
    eventually(lambda: len(collector.spans) == 3 * count)
    server.stop()

    assert len({span.span_id for span in collector.spans}) == 3 * count
    assert server.log.getvalue() == ""

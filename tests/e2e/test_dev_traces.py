"""The export of traces by a real `qstash dev`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from qstash_cli.server.http.local_endpoint import running_endpoint
from tests.e2e.conftest import Dev
from tests.in_process import Qstash
from tests.sink import Sink


def test_a_server_that_is_stopped_exports_what_has_happened(
    start_dev: Callable[..., Dev], sink: Sink, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running_endpoint(lambda _request: (200, b"")) as collector:
        dev = start_dev(
            "--port", "0", "-v", stderr=log,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="3600000",
            OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer secret-of-collector",
        )  # fmt: skip
        dev.qstash("publish", sink.url, "a=1", "--wait")
        dev.process.send_signal(signal.SIGINT)
        dev.process.wait(60)

    (request,) = collector.received
    assert request.path == "/v1/traces"
    assert request.header("authorization") == "Bearer secret-of-collector"
    (resource,) = ExportTraceServiceRequest.FromString(request.body).resource_spans
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    assert [span.name.partition(" ")[0] for span in spans] == ["publish", "wait", "deliver"]
    attempt = spans[-1]
    forwarded = f"00-{attempt.trace_id.hex()}-{attempt.span_id.hex()}-01"
    assert sink.received[0].header("traceparent") == forwarded
    assert "secret-of-collector" not in log.read_text() + dev.printed


MISSING = (
    "warning: traces are not exported: the packages of OpenTelemetry are not installed; "
    "run `pip install 'qstash-cli[otel]'`\n"
)


@pytest.mark.parametrize(("exporter", "warning"), [("otlp", MISSING), ("none", "")])
def test_without_the_extra_the_server_runs_and_says_how_to_install_it(
    qstash: Qstash, monkeypatch: pytest.MonkeyPatch, exporter: str, warning: str
) -> None:
    monkeypatch.delitem(sys.modules, "qstash_cli.server.tracing.exporter", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    qstash.env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://127.0.0.1:9/v1/traces"
    qstash.env["OTEL_TRACES_EXPORTER"] = exporter

    run = qstash("dev", "--", "true")

    assert (run.code, run.err) == (0, warning)


def test_variables_that_are_not_valid_cost_a_warning(
    qstash: Qstash, monkeypatch: pytest.MonkeyPatch
) -> None:
    qstash.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    # More than the queue has room for.
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000")

    run = qstash("dev", "--", "true")

    assert run.code == 0
    assert run.err.startswith("warning: traces are not exported: a variable of OpenTelemetry is ")

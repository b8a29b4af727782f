"""The export of traces to a collector that is down, slow or refuses spans."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.conftest import Collector, TracedServer
from tests.sink import Sink

Eventually = Callable[[Callable[[], object]], object]


def test_a_collector_that_refuses_costs_one_warning_without_secrets(
    traced_server: TracedServer, collector: Collector, sink: Sink, otel: pytest.MonkeyPatch,
    eventually: Eventually,
) -> None:  # fmt: skip
    port = collector.endpoint.url.rpartition(":")[2]
    endpoint = f"http://user:secret-password@127.0.0.1:{port}/v1/traces?key=secret-in-query"
    otel.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)
    otel.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=secret-key,secret-without-equals")
    collector.status = 401
    qstash = traced_server.start()
    for _ in range(2):
        before = len(collector.endpoint.received)
        assert qstash("publish", sink.url, "--wait").code == 0
        eventually(lambda: len(collector.endpoint.received) > before)  # noqa: B023 - same round
    traced_server.stop()

    assert collector.endpoint.received[0].header("x-api-key") == "secret-key"
    warning = f"warning: traces are not exported: http://127.0.0.1:{port}: status 401\n"
    assert traced_server.log.getvalue() == warning


def test_a_collector_that_is_down_delays_neither_deliveries_nor_the_end(
    traced_server: TracedServer, sink: Sink, otel: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    otel.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    otel.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    qstash = traced_server.start()
    for _ in range(3):
        assert qstash("publish", sink.url, "--wait").code == 0
    eventually(traced_server.log.getvalue)
    started_s = time.monotonic()
    traced_server.stop()

    # The SDK would try again for half a minute or more.
    assert time.monotonic() - started_s < 15
    warning = "warning: traces are not exported: http://127.0.0.1:9: connection refused\n"
    assert traced_server.log.getvalue() == warning
    assert len(sink.received) == 3


def test_no_span_is_lost_while_a_collector_is_slow(
    traced_server: TracedServer,
    collector: Collector,
    sink: Sink,
    tmp_path: Path,
    eventually: Eventually,
) -> None:
    # More spans than the SDK keeps in its queue.
    count = 700
    bodies = tmp_path / "bodies.jsonl"
    bodies.write_text("1\n" * count)
    collector.may_respond.clear()
    traced_server.start()("batch", str(bodies), "--to", sink.url)
    eventually(lambda: len(sink.received) == count)
    eventually(lambda: collector.endpoint.received)
    assert len(collector.endpoint.received) == 1
    collector.may_respond.set()
    eventually(lambda: len(collector.spans) == 3 * count)
    traced_server.stop()

    assert len({span.span_id for span in collector.spans}) == 3 * count
    assert traced_server.log.getvalue() == ""

"""Fixtures: a collector of OpenTelemetry, and a server that exports traces to it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from qstash_cli.server.tracing import feed
from tests.in_process import Qstash

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """A collector of OTLP over HTTP that reads requests with the official classes."""

    def __init__(self) -> None:
        self.status = 200
        self.may_respond = Event()
        self.may_respond.set()
        self.endpoint = LocalEndpoint("")

    def respond(self, _request: Received) -> tuple[int, bytes]:
        self.may_respond.wait(60)
        return self.status, b""

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

        read = trace_service_pb2.ExportTraceServiceRequest.FromString
        return [read(one.body) for one in self.endpoint.received]

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
def otel(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Removes the variables of OpenTelemetry, and sets those of a test.

    Neither the SDK nor a server that stops gives up because the machine is busy.
    """
    for name in [one for one in os.environ if one.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")
    monkeypatch.setattr(feed, "_READ_WITHIN_S", 60)
    monkeypatch.setattr(feed, "_EXPORT_WITHIN_S", 60)
    return monkeypatch


@pytest.fixture
def collector(otel: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector()
    with running_endpoint(found.respond) as endpoint:
        found.endpoint = endpoint
        otel.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.url)
        otel.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        yield found


class TracedServer:
    """A server that exports traces once it is started."""

    def __init__(self, qstash: Qstash, stack: ExitStack) -> None:
        self._qstash = qstash
        self._stack = stack
        self.log = io.StringIO()

    def start(self, **settings: Any) -> Qstash:
        from qstash_cli.server.tracing.exporter import OtlpExport

        config = ServerConfig(port=0, spans=OtlpExport(), log=self.log, **settings)
        url = self._stack.enter_context(running_server(config))
        self._qstash.env |= {"QSTASH_URL": url, "QSTASH_TOKEN": config.users[0].token}
        return self._qstash

    def stop(self) -> None:
        """Stops the server, which exports the spans that wait."""
        self._stack.close()


@pytest.fixture
def traced_server(qstash: Qstash, otel: pytest.MonkeyPatch) -> Iterator[TracedServer]:  # noqa: ARG001 - removes variables
    with ExitStack() as stack:
        yield TracedServer(qstash, stack)

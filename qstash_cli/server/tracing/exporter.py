"""Exports spans over OTLP with the SDK of OpenTelemetry, which reads the OTEL_* variables."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from qstash_cli import __version__
from qstash_cli.protocol import message_spans
from qstash_cli.protocol.message_spans import MessageSpan, MessageTrace
from qstash_cli.server.tracing.collector import Outage, watched_session

# The queue of the processor has room for twice as many.
_MAX_WAITING = 1000
_NO_LOG = logging.NullHandler()
_NS_PER_MS = 1_000_000
_KINDS = {
    "internal": SpanKind.INTERNAL,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
}


class OtlpExport:
    """Exports spans from a thread of the SDK. It is a `SpanSink`.

    Raises `ValueError` if an OTEL_* variable is not valid.
    """

    def __init__(self) -> None:
        _silence_sdk()
        # The SDK makes the sampler of the variables only for a provider.
        self._sampler = TracerProvider(shutdown_on_exit=False).sampler
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            # `is_sampled` has decided before a span is written.
            sampler=ALWAYS_ON,
            resource=_resource(),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._outage = Outage()
        session = watched_session(self._outage)
        self._exporter = _CountingExporter(OTLPSpanExporter(session=session), self._outage)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer(message_spans.SCOPE_NAME, __version__)
        self._written = 0
        self._lock = threading.Lock()

    @property
    def room(self) -> int:
        """How many spans may be written now."""
        return _MAX_WAITING - (self._written - self._exporter.finished)

    @property
    def is_failing(self) -> bool:
        """Whether the collector has not accepted the last request."""
        return self._outage.has_begun

    def is_sampled(self, trace: MessageTrace) -> bool:
        """Returns whether the spans of a trace are exported."""
        context = Context()
        if trace.is_given:
            parent_id = trace.parent_id or trace.publish.span_id
            flags = TraceFlags.SAMPLED if trace.publish.is_sampled else TraceFlags.DEFAULT
            context = _context(trace.publish.trace_id, parent_id, flags, is_remote=True)
        result = self._sampler.should_sample(
            context, int(trace.publish.trace_id, 16), "publish", SpanKind.PRODUCER
        )
        return result.decision is Decision.RECORD_AND_SAMPLE

    def write(self, spans: Sequence[MessageSpan]) -> None:
        """Takes spans; they are exported soon."""
        # A span takes the ids that were set last.
        with self._lock:
            for span in spans:
                self._write(span)

    async def close(self, within_s: float) -> None:
        """Exports the spans that wait, and stops. Gives up after some seconds."""
        done, loop = asyncio.Event(), asyncio.get_running_loop()

        def close() -> None:
            self._provider.shutdown()
            # The loop may have given up and ended.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

        # A collector that does not respond must not keep the process from ending.
        threading.Thread(target=close, name="trace export", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await done.wait()

    def _write(self, span: MessageSpan) -> None:
        self._written += 1
        self._ids.trace_id, self._ids.span_id = int(span.trace_id, 16), int(span.span_id, 16)
        context = Context()
        if span.parent_id:
            is_remote = span.kind == "producer"
            context = _context(
                span.trace_id, span.parent_id, TraceFlags.SAMPLED, is_remote=is_remote
            )
        started = self._tracer.start_span(
            span.name,
            context,
            _KINDS[span.kind],
            span.attributes,
            start_time=span.start_ms * _NS_PER_MS,
        )
        if span.is_error:
            started.set_status(StatusCode.ERROR)
        started.end(span.end_ms * _NS_PER_MS)


class _GivenIds(IdGenerator):
    """Gives the next span the ids that were set."""

    trace_id = span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class _CountingExporter(SpanExporter):
    """Counts the spans that were exported or given up."""

    def __init__(self, exporter: SpanExporter, outage: Outage) -> None:
        self._exporter = exporter
        self._outage = outage
        self.finished = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
            if result is not SpanExportResult.SUCCESS:
                self._outage.begin("the OTEL_EXPORTER_OTLP_* variables may not be valid")
            return result
        finally:
            self.finished += len(spans)

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _context(trace_id: str, span_id: str, flags: int, *, is_remote: bool) -> Context:
    parent = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(parent), Context())


def _resource() -> Resource:
    is_named = SERVICE_NAME in OTELResourceDetector().detect().attributes
    return Resource.create({} if is_named else {SERVICE_NAME: message_spans.SERVICE_NAME})


def _silence_sdk() -> None:
    """Turns the SDK's log off. It repeats itself during an outage, and has headers and URLs."""
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(_NO_LOG)
    logger.propagate = False

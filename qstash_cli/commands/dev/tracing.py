"""The export of traces by `qstash dev`, if the variables of OpenTelemetry ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context

if TYPE_CHECKING:
    from qstash_cli.server.tracing.feed import SpanSink

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def span_export(ctx: Context) -> SpanSink | None:
    """Returns the export, or None if it is not wanted. Warns if it is not possible."""
    env = ctx.system.env
    is_off = (
        env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        or env.get("OTEL_TRACES_EXPORTER", "").strip() == "none"
    )
    if is_off or not any(env.get(name) for name in _ENDPOINTS):
        return None
    try:
        from qstash_cli.server.tracing.exporter import OtlpExport

        return OtlpExport()
    except ImportError:
        ctx.warn(
            "traces are not exported: the packages of OpenTelemetry are not installed; "
            "run `pip install 'qstash-cli[otel]'`"
        )
    except ValueError as error:
        ctx.warn(f"traces are not exported: a variable of OpenTelemetry is not valid: {error}")
    return None

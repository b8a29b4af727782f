"""`--trace`: forwards a trace context with each message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qstash_cli.cli.context import Context
from qstash_cli.errors import BadInput
from qstash_cli.protocol import traceparent
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.options import MessageOptions


def traced(ctx: Context, options: MessageOptions) -> MessageOptions:
    """Adds the headers of a new span. Warns and raises as `new_spans`."""
    return replace(options, headers=(*options.headers, *new_spans(ctx, options)()))


def new_spans(ctx: Context, options: MessageOptions) -> Callable[[], Headers]:
    """Returns a function that returns the headers of a new span, a child of TRACEPARENT, if set.

    Warns about an invalid TRACEPARENT, which starts new traces. Raises `BadInput` if a header of
    the options has a trace context already, or if messages are deduplicated by their content, of
    which the headers are a part.
    """
    given = [n for n, _ in options.headers if n.lower() in {"traceparent", "tracestate"}]
    if given:
        raise BadInput(
            f"--trace and the header {given[0]} cannot be combined",
            hint=f"set {given[0].upper()} in the environment to continue that trace",
        )
    if options.dedup_content:
        raise BadInput(
            "--trace and --dedup-content cannot be combined: a traceparent makes messages differ",
            hint="use --dedup-id",
        )
    parent = ctx.system.env.get("TRACEPARENT", "")
    state = ctx.system.env.get("TRACESTATE", "")
    if parent and traceparent.parse(parent) is None:
        ctx.warn("TRACEPARENT is not a valid traceparent; starting a new trace")
    random_bytes = ctx.system.random_bytes
    return lambda: traceparent.start(parent, state, random_bytes).headers()

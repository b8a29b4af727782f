"""`--trace`: forwards a trace context with a message."""

from __future__ import annotations

from dataclasses import replace

from qstash_cli.cli.context import Context
from qstash_cli.errors import BadInput
from qstash_cli.protocol import traceparent
from qstash_cli.protocol.options import MessageOptions


def traced(ctx: Context, options: MessageOptions) -> MessageOptions:
    """Adds the headers of a new span, whose parent is the one in TRACEPARENT, if any.

    Warns about an invalid TRACEPARENT, which starts a new trace. Raises `BadInput` if a header of
    the message has a trace context already.
    """
    given = [n for n, _ in options.headers if n.lower() in {"traceparent", "tracestate"}]
    if given:
        raise BadInput(
            f"--trace and the header {given[0]} cannot be combined",
            hint=f"set {given[0].upper()} in the environment to continue that trace",
        )
    parent = ctx.system.env.get("TRACEPARENT", "")
    state = ctx.system.env.get("TRACESTATE", "")
    if parent and traceparent.parse(parent) is None:
        ctx.warn("TRACEPARENT is not a valid traceparent; starting a new trace")
    context = traceparent.start(parent, state, ctx.system.random_bytes)
    return replace(options, headers=(*options.headers, *context.headers()))

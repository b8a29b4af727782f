"""`qstash publish`: send a message now, later, through a queue or to a URL group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common import message_body, message_validation, publishing
from qstash_cli.commands.common.options import BodyOptions, PublishWaitOptions
from qstash_cli.commands.common.views import PUBLISHED
from qstash_cli.output.result import Result
from qstash_cli.protocol.conflicts import raise_if_conflicting
from qstash_cli.protocol.destination import validate_destination
from qstash_cli.protocol.options import MessageOptions

app = group()


@dataclass(frozen=True, kw_only=True)
class PublishOptions:
    """How careful to be, and whether to trace the delivery."""

    no_check: bool = flag("Skip client-side validation", section="Message")
    no_idempotency: bool = flag("Publish without a deduplication id", section="Message")
    trace: bool = flag(
        "Forward a traceparent: a child of $TRACEPARENT, or a new trace", section="Message"
    )


@command(app, view=PUBLISHED)
def publish(
    ctx: Context,
    destination: Annotated[
        str,
        Argument("URL or URL group", "DEST", complete="urlgroup"),
    ],
    items: Annotated[
        list[str] | None,
        Argument("Fields of a JSON body: key=value key:=json", "KEY=VALUE"),
    ] = None,
    *,
    body: BodyOptions,
    options: Annotated[MessageOptions, "publish"],
    waiting: PublishWaitOptions,
    sending: PublishOptions,
) -> Result:
    """Publish a message to a URL or a URL group.

    On a terminal, prints a table; in a pipe, prints only the message id.

    \b
    qstash publish https://example.com/hook name=ada admin:=true
    qstash publish https://example.com/hook -d @order.json --delay 10m
    qstash publish https://example.com/hook --queue orders --wait
    """
    data, options = message_body.read(ctx, items or (), body, options)
    if sending.trace:
        from qstash_cli.commands.common import tracing

        options = tracing.traced(ctx, options)
    if not sending.no_check:
        destination = validate_destination(destination)
        raise_if_conflicting(options, "enqueue" if options.queue else "publish")
        message_validation.validate(ctx, destination, options, len(data))
        message_validation.warn_if_past(ctx, options)
    if not sending.no_idempotency:
        options = message_validation.idempotent(ctx, options)
    return publishing.send(ctx, destination, options, data, waiting)

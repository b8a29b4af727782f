"""How a message is sent: how it is validated, and how it is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from qstash_cli.cli.context import Context
from qstash_cli.client.api import messages
from qstash_cli.commands.common.message_log import FOLLOWED
from qstash_cli.commands.common.options import Waiting
from qstash_cli.commands.common.views import PUBLISHED
from qstash_cli.commands.common.waiting import Deliveries
from qstash_cli.errors import QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.destination import validate_reachable
from qstash_cli.protocol.limits import validate_limits
from qstash_cli.protocol.options import MessageOptions

if TYPE_CHECKING:
    from qstash_cli.protocol.records import Published


# `--not-before now` is in the past by the time at which it is compared.
_NOW_S = 2


def send(
    ctx: Context, destination: str, options: MessageOptions, body: bytes, waiting: Waiting
) -> Result:
    """Publishes a message, and follows it to its end if that is wanted."""
    return ctx.write(
        messages.publish(destination, options, body),
        lambda answer: _published(ctx, answer, waiting),
        later=FOLLOWED if waiting.wait else "",
    )


def _published(ctx: Context, answer: Published | list[Published], waiting: Waiting) -> Result:
    published = answer if isinstance(answer, list) else [answer]
    if not published:
        raise QstashError(
            "QStash's response names no message",
            hint="does the URL group have endpoints? `qstash urlgroup list` displays them",
        )
    return result_of(ctx, answer, waiting)


def _nothing() -> None:
    return None


def result_of(
    ctx: Context,
    published: Published | Iterable[Published],
    waiting: Waiting,
    *,
    incomplete: Callable[[], QstashError | None] = _nothing,
) -> Result:
    """The result of a publish: its ids are written before it waits for the deliveries.

    `incomplete` is asked after the last id for the error that stands for what was not published.
    """

    def error() -> QstashError | None:
        not_published = incomplete()
        not_delivered = deliveries.failure() if waiting.wait else None
        if not_published is not None and not_delivered is not None:
            ctx.warn(not_published.message)
        return not_delivered or not_published

    deliveries = Deliveries(ctx, waiting.wait_timeout)
    noted: Any
    if isinstance(published, dict):
        noted = deliveries.note(cast("Published", published))
    else:
        noted = map(deliveries.note, published)
    return Result(
        data=noted,
        view=PUBLISHED,
        piped="ids",
        error=error,
        on_interrupt=deliveries.interrupted,
    )


def idempotent(ctx: Context, options: MessageOptions) -> MessageOptions:
    """The options with a deduplication, so that a retry after a lost answer cannot send twice."""
    if options.dedup_id or options.dedup_content:
        return options
    return replace(options, dedup_id=ctx.new_id("once"))


def validate(ctx: Context, destination: str, options: MessageOptions, body_bytes: int) -> None:
    """Raises `BadInput` for what QStash could not reach, or the plan does not allow."""
    settings = ctx.config.settings_if_any
    if settings is None or not settings.is_local:
        for what, url in (
            ("destination", destination),
            ("callback", options.callback),
            ("failure callback", options.failure_callback),
        ):
            validate_reachable(url or "", what)
    delay_s = options.delay_s
    if options.not_before_s is not None:
        delay_s = max(0, round(options.not_before_s - ctx.system.now()))
    validate_limits(
        settings.plan if settings else None,
        body_bytes=body_bytes,
        delay_s=delay_s,
        timeout_s=options.timeout_s,
    )


def warn_if_past(ctx: Context, options: MessageOptions) -> None:
    """Warns about a --not-before that has passed: QStash then delivers at once."""
    if options.not_before_s is None or options.not_before_s > ctx.system.now() - _NOW_S:
        return
    from qstash_cli.output.values import relative_time

    passed = relative_time(options.not_before_s, ctx.system.now())
    ctx.warn(f"--not-before has passed ({passed}); QStash delivers the message immediately")

"""Validation and defaults of messages before they are sent."""

from __future__ import annotations

from dataclasses import replace

from qstash_cli.cli.context import Context
from qstash_cli.protocol.destination import validate_reachable
from qstash_cli.protocol.limits import validate_limits
from qstash_cli.protocol.options import MessageOptions

# `--not-before now` is in the past when it is compared.
_NOW_S = 2


def idempotent(ctx: Context, options: MessageOptions) -> MessageOptions:
    """Adds a deduplication id, so that a retry after a lost response cannot send twice."""
    if options.dedup_id or options.dedup_content:
        return options
    return replace(options, dedup_id=ctx.new_id("once"))


def validate(ctx: Context, destination: str, options: MessageOptions, body_bytes: int) -> None:
    """Raises `BadInput` for a destination that QStash cannot reach, or if the plan is exceeded."""
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
    """Warns about a --not-before in the past, which means immediate delivery."""
    if options.not_before_s is None or options.not_before_s > ctx.system.now() - _NOW_S:
        return
    from qstash_cli.output.values import relative_time

    passed = relative_time(options.not_before_s, ctx.system.now())
    ctx.warn(f"--not-before has passed ({passed}); QStash delivers the message immediately")

"""What is checked before a message or a schedule is sent."""

from __future__ import annotations

from qstash_cli.invocation import Invocation
from qstash_cli.protocol.destination import check_reachable
from qstash_cli.protocol.limits import check_limits
from qstash_cli.protocol.options import MessageOptions


def check(inv: Invocation, destination: str, options: MessageOptions, body_bytes: int) -> None:
    """Raises `BadInput` for what QStash could not reach, or the plan does not allow."""
    settings = inv.settings_if_any
    if settings is None or not settings.is_local:
        for what, url in (
            ("destination", destination),
            ("callback", options.callback),
            ("failure callback", options.failure_callback),
        ):
            check_reachable(url or "", what)
    delay_s = options.delay_s
    if options.not_before_s is not None:
        delay_s = max(0, round(options.not_before_s - inv.now()))
    check_limits(
        settings.plan if settings else None,
        body_bytes=body_bytes,
        delay_s=delay_s,
        timeout_s=options.timeout_s,
    )

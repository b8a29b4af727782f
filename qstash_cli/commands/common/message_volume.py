"""Telling how many messages a day schedules make, and whether the plan allows them."""

from __future__ import annotations

from qstash_cli.cli.context import Context
from qstash_cli.protocol.limits import PLANS


def tell(ctx: Context, subject: str, messages: float) -> None:
    """Notes `it makes about 24 messages a day`; warns where the plan allows fewer."""
    if not messages:
        return
    settings = ctx.settings_if_any
    name = settings.plan if settings else None
    most = PLANS[name].messages_per_day if name else None
    told = f"{subject} about {_words(messages)}"
    if most is None:
        ctx.note(told)
    elif messages > most:
        ctx.warn(f"{told}, and the {name} plan allows {most:,}")
    else:
        ctx.note(f"{told}; the {name} plan allows {most:,}")


def _words(messages: float) -> str:
    if messages < 1:
        return f"one message in {1 / messages:,.0f} days"
    about = f"{messages:,.0f}"
    return f"{about} {'message' if about == '1' else 'messages'} a day"

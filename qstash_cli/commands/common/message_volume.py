"""Reports how many messages a day schedules make, and whether the plan allows them."""

from __future__ import annotations

from qstash_cli.cli.context import Context
from qstash_cli.protocol.limits import PLANS


def report(ctx: Context, subject: str, messages: float) -> None:
    """Notes `it makes about 24 messages a day`; warns where the plan allows fewer."""
    if not messages:
        return
    settings = ctx.config.settings_if_any
    name = settings.plan if settings else None
    limit = PLANS[name].messages_per_day if name else None
    sentence = f"{subject} about {_words(messages)}"
    if limit is None:
        ctx.note(sentence)
    elif messages > limit:
        ctx.warn(f"{sentence}, and the {name} plan allows {limit:,}")
    else:
        ctx.note(f"{sentence}; the {name} plan allows {limit:,}")


def _words(messages: float) -> str:
    if messages < 1:
        return f"one message in {1 / messages:,.0f} days"
    about = f"{messages:,.0f}"
    return f"{about} {'message' if about == '1' else 'messages'} a day"

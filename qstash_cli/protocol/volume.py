"""Estimates how many messages a schedule sends.

Each message counts, a callback counts as one more, and a URL group counts once for each endpoint.
Source: QStash docs, "Pricing".
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol.cron import parse_cron, per_day
from qstash_cli.protocol.limits import PLANS

_EXACT_FROM = 10
_SMALLEST_SHARE = 0.01


def messages_per_day(cron: str, *, endpoints: int = 1, has_callback: bool = False) -> float:
    """Returns the messages per day, assuming that every first attempt succeeds.

    Returns 0.0 for an expression that cannot be parsed.
    """
    return _runs_per_day(cron) * endpoints * (2 if has_callback else 1)


@lru_cache(maxsize=4096)
def _runs_per_day(cron: str) -> float:
    try:
        return per_day(parse_cron(cron))
    except BadInput:
        return 0.0


def rounded(messages: float) -> float:
    """Returns a rate without digits that do not matter: 1440, 2.5, 0.14."""
    short = float(f"{messages:.2g}") if abs(messages) < _EXACT_FROM else round(messages)
    return int(short) if short == int(short) else short


def share_of_plan(messages: float, plan: str | None) -> str:
    """Returns the share of the daily limit of the plan, such as `14%`; empty without a limit.

    `messages` is per day.
    """
    limit = PLANS[plan].messages_per_day if plan else None
    if not limit or not messages:
        return ""
    share = messages / limit
    return f"{share:,.0%}" if share >= _SMALLEST_SHARE else f"<{_SMALLEST_SHARE:.0%}"


class Forecast(NamedTuple):
    """A sentence about messages per day, and whether the plan allows fewer."""

    text: str
    exceeds_plan: bool


def forecast(subject: str, messages: float, plan: str | None) -> Forecast:
    """Returns `the schedule publishes about 24 messages a day`, and the limit of the plan if any.

    `messages` is per day.
    """
    limit = PLANS[plan].messages_per_day if plan else None
    text = f"{subject} about {_words(messages)}"
    if limit is None:
        return Forecast(text, exceeds_plan=False)
    if messages > limit:
        return Forecast(f"{text}, and the {plan} plan allows {limit:,}", exceeds_plan=True)
    return Forecast(f"{text}; the {plan} plan allows {limit:,}", exceeds_plan=False)


def _words(messages: float) -> str:
    if messages < 1:
        return f"one message in {1 / messages:,.0f} days"
    about = f"{messages:,.0f}"
    return f"{about} {'message' if about == '1' else 'messages'} a day"

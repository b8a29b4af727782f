"""Estimates how many messages a schedule sends.

Each message counts, a callback counts as one more, and a URL group counts once for each endpoint.
Source: QStash docs, "Pricing".
"""

from __future__ import annotations

from qstash_cli.errors import BadInput
from qstash_cli.protocol.cron import parse_cron, per_day


def messages_per_day(cron: str, *, endpoints: int = 1, has_callback: bool = False) -> float:
    """Returns the messages per day, assuming that every first attempt succeeds.

    Returns 0.0 for an expression that cannot be parsed.
    """
    try:
        times = per_day(parse_cron(cron))
    except BadInput:
        return 0.0
    return times * endpoints * (2 if has_callback else 1)

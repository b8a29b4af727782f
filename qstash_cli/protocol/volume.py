"""How many messages a schedule makes. Source: QStash docs, "Pricing": each message counts, a
callback is one more, and a publish to a URL group is one for each endpoint.
"""

from __future__ import annotations

from qstash_cli.errors import BadInput
from qstash_cli.protocol.cron import parse_cron, per_day


def messages_per_day(cron: str, *, endpoints: int = 1, has_callback: bool = False) -> float:
    """How many messages a day a schedule makes, if every delivery succeeds at the first attempt.

    0.0 for an expression that is not known here.
    """
    try:
        times = per_day(parse_cron(cron))
    except BadInput:
        return 0.0
    return times * endpoints * (2 if has_callback else 1)

"""Finds combinations of valid message options that QStash refuses.

Source: QStash docs, "Queues", "Flow control".
"""

from __future__ import annotations

from enum import Enum

from qstash_cli.errors import BadInput
from qstash_cli.protocol.options import MessageOptions, Operation


class Conflict(Enum):
    """A refused combination. The value is the error message and the hint."""

    DELAY_IN_A_QUEUE = (
        "messages in a queue cannot use --delay or --not-before",
        "remove the delay, or publish without --queue",
    )
    LIMITS_WITHOUT_A_KEY = (
        "rate, period and parallelism require a flow control key",
        "add --flow-key KEY",
    )
    KEY_WITHOUT_LIMITS = (
        "the flow control key has neither rate nor parallelism",
        "add --rate N or --parallelism N",
    )


def find_conflict(options: MessageOptions, operation: Operation) -> Conflict | None:
    """Returns the first combination that QStash refuses, or None."""
    is_delayed = options.delay_s is not None or options.not_before_s is not None
    if operation == "enqueue" and is_delayed:
        return Conflict.DELAY_IN_A_QUEUE
    has_limits = options.rate is not None or options.parallelism is not None
    if options.flow_key is None and (has_limits or options.period_s is not None):
        return Conflict.LIMITS_WITHOUT_A_KEY
    if options.flow_key is not None and not has_limits:
        return Conflict.KEY_WITHOUT_LIMITS
    return None


def raise_if_conflicting(options: MessageOptions, operation: Operation) -> None:
    """Raises `BadInput`, naming the flags, for a combination that QStash refuses."""
    found = find_conflict(options, operation)
    if found is not None:
        message, hint = found.value
        is_about_the_key = found is Conflict.KEY_WITHOUT_LIMITS
        raise BadInput(
            f"{message}: {options.flow_key!r}" if is_about_the_key else message, hint=hint
        )

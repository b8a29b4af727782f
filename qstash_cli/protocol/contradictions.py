"""Message options that are valid one by one, and that QStash refuses together.

Source: QStash docs, "Queues", "Flow control".
"""

from __future__ import annotations

from enum import Enum

from qstash_cli.errors import BadInput
from qstash_cli.protocol.options import MessageOptions, Operation


class Contradiction(Enum):
    """Why QStash refuses a combination. A value is the error and the hint of the command line."""

    DELAY_IN_A_QUEUE = (
        "a message in a queue cannot be delayed: QStash refuses --delay and --not-before there",
        "leave out the delay, or publish without --queue",
    )
    LIMITS_WITHOUT_A_KEY = (
        "a rate or parallelism needs a flow control key",
        "add --flow-key KEY",
    )
    KEY_WITHOUT_LIMITS = (
        "the flow control key has neither rate nor parallelism",
        "add --rate N or --parallelism N",
    )


def find_contradiction(options: MessageOptions, operation: Operation) -> Contradiction | None:
    """The first combination in the options that QStash refuses, or None."""
    is_delayed = options.delay_s is not None or options.not_before_s is not None
    if operation == "enqueue" and is_delayed:
        return Contradiction.DELAY_IN_A_QUEUE
    has_limits = options.rate is not None or options.parallelism is not None
    if options.flow_key is None and (has_limits or options.period_s is not None):
        return Contradiction.LIMITS_WITHOUT_A_KEY
    if options.flow_key is not None and not has_limits:
        return Contradiction.KEY_WITHOUT_LIMITS
    return None


def refuse_contradictions(options: MessageOptions, operation: Operation) -> None:
    """Raises `BadInput`, which names flags, for a combination that QStash refuses."""
    found = find_contradiction(options, operation)
    if found is not None:
        message, hint = found.value
        is_about_the_key = found is Contradiction.KEY_WITHOUT_LIMITS
        raise BadInput(
            f"{message}: {options.flow_key!r}" if is_about_the_key else message, hint=hint
        )

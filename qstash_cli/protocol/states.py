"""States of messages in the log, and of bulk actions. Source: QStash docs, "Logs"."""

from __future__ import annotations

from qstash_cli.errors import BadInput

STATES = (
    "CREATED",
    "ACTIVE",
    "RETRY",
    "ERROR",
    "DELIVERED",
    "FAILED",
    "CANCEL_REQUESTED",
    "CANCELLED",
    "IN_PROGRESS",
)
ACTION_STATES = ("IN_PROGRESS", "FINISHED")
# Entries may appear in the log this much later than the time they carry.
LOG_LAG_MS = 30_000
ENDS = frozenset({"DELIVERED", "FAILED", "CANCELLED"})


def parse_state(text: str) -> str:
    """Parses a state, in any case and with either spelling of cancelled, to QStash's own.

    Raises `BadInput` listing the states.
    """
    state = normal_state(text.strip().upper().replace("-", "_"))
    if state not in STATES:
        raise BadInput(f"not a state: {text!r}", hint=f"use one of {', '.join(STATES)}")
    return state


def parse_action_state(text: str) -> str:
    """Parses the state of a bulk action to QStash's own spelling. Raises `BadInput`."""
    state = text.strip().upper().replace("-", "_")
    if state not in ACTION_STATES:
        raise BadInput(
            f"not a state of a bulk action: {text!r}", hint="use in-progress or finished"
        )
    return state


def normal_state(state: str) -> str:
    """Normalizes a state: `/v2/events` says CANCELED where `/v2/logs` says CANCELLED."""
    return "CANCELLED" if state == "CANCELED" else state

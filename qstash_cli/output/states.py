"""Styles of states: a symbol, a word and a colour, the same everywhere."""

from __future__ import annotations

from typing import NamedTuple


class StateStyle(NamedTuple):
    """The style of a state. The word is sufficient; symbol and colour only help the eye."""

    symbol: str
    word: str
    style: str


_GOOD, _BAD, _AGAIN, _BUSY, _QUIET = "green", "red", "yellow", "cyan", "dim"
_STYLES = {
    "CREATED": StateStyle("○", "created", ""),
    "WAITING": StateStyle("○", "waiting", ""),
    "ACTIVE": StateStyle("●", "active", _BUSY),
    "IN_PROGRESS": StateStyle("●", "in progress", _BUSY),
    "RETRY": StateStyle("↻", "retrying", _AGAIN),
    "ERROR": StateStyle("✗", "error", _AGAIN),
    "DELIVERED": StateStyle("✓", "delivered", _GOOD),
    "SUCCESS": StateStyle("✓", "success", _GOOD),
    "FINISHED": StateStyle("✓", "finished", _GOOD),
    "FAILED": StateStyle("✗", "failed", _BAD),
    "FAIL": StateStyle("✗", "fail", _BAD),
    "CANCEL_REQUESTED": StateStyle("⊘", "cancelling", _QUIET),
    "CANCELLED": StateStyle("⊘", "cancelled", _QUIET),
    "CANCELED": StateStyle("⊘", "cancelled", _QUIET),
    "PASS": StateStyle("✓", "pass", _GOOD),
    "OK": StateStyle("✓", "ok", _GOOD),
    "WARNING": StateStyle("!", "warning", _AGAIN),
    "FAILURE": StateStyle("✗", "failure", _BAD),
    "SKIPPED": StateStyle("-", "skipped", _QUIET),
    "NOT CHECKED": StateStyle("-", "not checked", _QUIET),
    "VALID": StateStyle("✓", "valid", _GOOD),
    "INVALID": StateStyle("✗", "invalid", _BAD),
    "NONE": StateStyle("-", "none", _QUIET),
    "UNCHECKED": StateStyle("?", "unchecked", _AGAIN),
    "DUE": StateStyle("○", "due", ""),
    "FIX": StateStyle("", "fix", "bold"),
    "PAUSED": StateStyle("⏸", "paused", _AGAIN),
    "RUNNING": StateStyle("●", "running", _GOOD),
    "RUN_STARTED": StateStyle("●", "running", _BUSY),
    "RUN_SUCCESS": StateStyle("✓", "success", _GOOD),
    "RUN_FAILED": StateStyle("✗", "failed", _BAD),
    "RUN_CANCELED": StateStyle("⊘", "cancelled", _QUIET),
    "STEP_PROGRESS": StateStyle("●", "in progress", _BUSY),
    "STEP_RETRY": StateStyle("↻", "retrying", _AGAIN),
    "STEP_SUCCESS": StateStyle("✓", "success", _GOOD),
    "STEP_FAILED": StateStyle("✗", "failed", _BAD),
    "STEP_CANCELED": StateStyle("⊘", "cancelled", _QUIET),
}


def state_style(state: str) -> StateStyle:
    """Returns the style of a state; an unknown state is displayed unchanged."""
    return _STYLES.get(state.upper()) or StateStyle("·", state, _QUIET)

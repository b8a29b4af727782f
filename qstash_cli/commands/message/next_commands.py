"""The commands that make sense for a message in its state."""

from __future__ import annotations

import shlex
from typing import NamedTuple

_WAITING = frozenset({"CREATED", "RETRY", "ERROR"})
_LOCAL_HANDLER = "http://127.0.0.1:3000"

Rows = tuple[tuple[str, str], ...]


class Situation(NamedTuple):
    """What decides which commands work.

    `flags` are the connection options to repeat. `can_replay` means that the body is complete and
    that there is a key to sign with.
    """

    message_id: str
    state: str
    dlq_id: str | None
    is_finished: bool
    is_queued: bool
    can_replay: bool
    flags: tuple[str, ...] = ()


def next_commands(found: Situation) -> Rows:
    """Returns pairs of a purpose and a command line that works when it is pasted."""
    rows: list[tuple[str, tuple[str, ...]]] = []
    if not found.is_finished:
        rows.append(("wait", ("message", "wait", found.message_id)))
        # Messages in a queue cannot overtake others.
        if found.state in _WAITING and not found.is_queued:
            rows.append(("run now", ("message", "run-now", found.message_id)))
        if found.state != "CANCEL_REQUESTED":
            rows.append(("cancel", ("message", "cancel", found.message_id)))
    if found.dlq_id is not None:
        rows.append(("retry", ("dlq", "retry", found.dlq_id)))
    if found.is_finished and found.can_replay:
        replayed = found.dlq_id or found.message_id
        rows.append(("replay here", ("replay", replayed, "--to", _LOCAL_HANDLER)))
    return tuple((label, shlex.join(("qstash", *argv, *found.flags))) for label, argv in rows)

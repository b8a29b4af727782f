"""Following a message to its end, by its log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.client.api import logs
from qstash_cli.client.api.filters import Filter
from qstash_cli.errors import NotDelivered, NotFound, QstashError, WaitTimedOut
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.states import ENDS, normal_state

if TYPE_CHECKING:
    from qstash_cli.client.request import Request
    from qstash_cli.protocol.records import LogEntry

# What a preview says of the requests that `wait_for_end` will make.
FOLLOWED = "then GET /v2/logs with the messageId of the response, until the message is finished"
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_GROWTH = 1.5
# The log may lag behind the publish.
_UNKNOWN_FOR_S = 10


def entries_of(message_id: str) -> Request[LogEntry]:
    """The request for the log of a message."""
    return logs.entries(Filter(message_ids=(message_id,)))


def wait_for_end(
    ctx: Context, message_id: str, timeout_s: int, *, started_at: float | None = None
) -> LogEntry:
    """The log entry of the message's end.

    The time counts from `started_at`, now by default; the log is read at least once. Raises
    `WaitTimedOut`, or `NotFound` if the log knows nothing of it.
    """
    request = entries_of(message_id)
    started_at = ctx.system.now() if started_at is None else started_at
    pause_s = _FIRST_PAUSE_S
    with ctx.status() as status:
        while True:
            entries = list(ctx.read_pages(request))
            end = next((e for e in entries if normal_state(e["state"]) in ENDS), None)
            if end is not None:
                return end
            waited_s = ctx.system.now() - started_at
            _give_up_if_late(message_id, entries, waited_s, timeout_s)
            status.update(f"{message_id}: {_progress(entries)}, {waited_s:.0f}s")
            ctx.system.sleep(max(0.01, min(pause_s, timeout_s - waited_s)))
            pause_s = min(_LONGEST_PAUSE_S, pause_s * _GROWTH)


def _give_up_if_late(
    message_id: str, entries: list[LogEntry], waited_s: float, timeout_s: int
) -> None:
    if not entries and waited_s >= min(_UNKNOWN_FOR_S, timeout_s):
        raise NotFound(
            f"the log has no message {message_id}",
            hint="is it of this profile and region? logs are kept for some days only",
        )
    if waited_s >= timeout_s:
        raise WaitTimedOut(
            f"not delivered within {format_duration(timeout_s)}: "
            f"{message_id} is {_progress(entries)}",
            hint=f"`qstash message wait {message_id}` goes on waiting",
        )


def _progress(entries: list[LogEntry]) -> str:
    return entries[0]["state"] if entries else "not in the log yet"


def failure_of(ends: Iterable[LogEntry]) -> QstashError | None:
    """The error that stands for messages which ended undelivered, None if there are none."""
    lost = [end for end in ends if normal_state(end["state"]) != "DELIVERED"]
    if not lost:
        return None
    first = lost[0]
    reason = first.get("error") or str(first.get("responseStatus") or "")
    return NotDelivered(
        f"{first['messageId']} ended as {normal_state(first['state'])}"
        + (f": {reason}" if reason else ""),
        hint=f"`qstash dlq list --message {first['messageId']}` has the destination's answer",
    )

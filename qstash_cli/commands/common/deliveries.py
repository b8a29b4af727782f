"""Waiting until messages are delivered, or are not, by their logs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.polling import Deadline, Pending, poll
from qstash_cli.client.api import logs
from qstash_cli.client.api.filters import Filter
from qstash_cli.errors import Interrupted, NotDelivered, NotFound, QstashError, WaitTimedOut
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.states import ENDS, normal_state

if TYPE_CHECKING:
    from qstash_cli.client.request import Request
    from qstash_cli.protocol.records import LogEntry, Published

# What a preview says of the requests that `wait_for_end` will make.
FOLLOWED = "then GET /v2/logs with the messageId of the response, until the message is finished"
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
    `WaitTimedOut`, or `NotFound` if the message is not in the log.
    """
    request = entries_of(message_id)
    deadline = Deadline(ctx.system, timeout_s, started_at)
    entries: list[LogEntry] = []

    def attempt() -> LogEntry | Pending:
        entries[:] = ctx.read_pages(request)
        end = next((e for e in entries if normal_state(e["state"]) in ENDS), None)
        if end is not None:
            return end
        waited_s = deadline.elapsed_s()
        if not entries and waited_s >= min(_UNKNOWN_FOR_S, timeout_s):
            raise NotFound(
                f"the log has no message {message_id}",
                hint="is it of this profile and region? logs are kept for some days only",
            )
        return Pending(f"{message_id}: {_progress(entries)}, {waited_s:.0f}s")

    def timed_out() -> WaitTimedOut:
        return WaitTimedOut(
            f"not delivered within {format_duration(timeout_s)}: "
            f"{message_id} is {_progress(entries)}",
            hint=f"`qstash message wait {message_id}` goes on waiting",
        )

    with ctx.status() as status:
        return poll(attempt, deadline, report=status.update, timed_out=timed_out)


def _progress(entries: list[LogEntry]) -> str:
    return entries[0]["state"] if entries else "not in the log yet"


def failure_of(ends: Iterable[LogEntry]) -> QstashError | None:
    """Returns the error for the messages that were not delivered, or None."""
    lost = [end for end in ends if normal_state(end["state"]) != "DELIVERED"]
    if not lost:
        return None
    first = lost[0]
    reason = first.get("error") or str(first.get("responseStatus") or "")
    return NotDelivered(
        f"{first['messageId']} ended as {normal_state(first['state'])}"
        + (f": {reason}" if reason else ""),
        hint=f"`qstash dlq list --message {first['messageId']}` has the destination's response",
    )


class Deliveries:
    """The messages that a command publishes, and the error for those that are not delivered.

    Ids are noted while the command's result is written, so that they are on standard output before
    the wait begins. All of them together are waited for no longer than `timeout_s`.
    """

    def __init__(self, ctx: Context, timeout_s: int) -> None:
        self._ctx = ctx
        self._timeout_s = timeout_s
        self._ids: list[str] = []
        self._failures: dict[str, QstashError] = {}

    def note(self, record: Published) -> Published:
        """The same record; its message is one to wait for. A schedule is not waited for."""
        if "messageId" in record:
            self._ids.append(record["messageId"])
        return record

    def failure(self) -> QstashError | None:
        """Waits for the end of each message, and returns the error for those not delivered.

        One of several has a line for each of them, and the exit code of the worst.
        """
        started_at = self._ctx.system.now()
        for message_id in dict.fromkeys(self._ids):
            if not self._wait(message_id, started_at):
                break
        return self._summary()

    def interrupted(self) -> Interrupted | None:
        """The error for Ctrl-C, which says what was published and how to follow it."""
        if not self._ids:
            return None
        if self._ctx.streams.err_is_terminal:
            # The terminal has echoed ^C.
            self._ctx.streams.err.write("\n")
        first, count = self._ids[0], len(set(self._ids))
        what = f"{first} was published" if count == 1 else f"{count} messages were published"
        return Interrupted(
            f"interrupted; {what}",
            hint=f"`qstash message wait {first}` waits for its delivery, "
            f"`qstash logs --message {first} --follow` shows the attempts",
            lines=self._lines(),
        )

    def _wait(self, message_id: str, started_at: float) -> bool:
        """Waits for one message. False if no further one can be waited for."""
        try:
            end = wait_for_end(self._ctx, message_id, self._timeout_s, started_at=started_at)
        except QstashError as error:
            self._failures[message_id] = error
            return isinstance(error, NotFound | WaitTimedOut)
        failure = failure_of([end])
        if failure is not None:
            self._failures[message_id] = failure
        return True

    def _summary(self) -> QstashError | None:
        if not self._failures:
            return None
        worst = min(self._failures.values(), key=_rank)
        total = len(set(self._ids))
        if total == 1:
            return worst
        number = len(self._failures)
        were = "was" if number == 1 else "were"
        return type(worst)(
            f"{number} of {total} messages {were} not delivered",
            hint=worst.hint,
            status=worst.status,
            lines=self._lines(),
        )

    def _lines(self) -> list[str]:
        return [
            error.message if one in error.message else f"{one}: {error.message}"
            for one, error in self._failures.items()
        ]


def _rank(error: QstashError) -> int:
    """How bad it is: a message that is lost, one that is not known of, one that may yet arrive."""
    order = (NotDelivered, QstashError, NotFound, WaitTimedOut)
    return next(
        (rank for rank, kind in enumerate(order) if type(error) is kind), order.index(QstashError)
    )

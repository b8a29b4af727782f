"""Waits until messages are delivered or have failed, according to their logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.polling import Deadline, Pending, poll
from qstash_cli.client.api import logs
from qstash_cli.client.api.filters import Filter
from qstash_cli.errors import Interrupted, NotDelivered, NotFound, QstashError, WaitTimedOut
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.message_end import MessageEnd, attempts_in, end_of, seconds
from qstash_cli.protocol.numbers import amount

if TYPE_CHECKING:
    from qstash_cli.client.request import Request
    from qstash_cli.protocol.records import LogEntry, Published

# How a preview describes the requests of `wait_for_end`.
FOLLOWED = "then GET /v2/logs with the messageId of the response, until the message is finished"
# The log may lag behind the publish.
_UNKNOWN_FOR_S = 10


def entries_of(message_id: str) -> Request[LogEntry]:
    """Returns the request for the log of a message."""
    return logs.entries(Filter(message_ids=(message_id,)))


def wait_for_end(
    ctx: Context, message_id: str, timeout_s: int, *, started_at: float | None = None
) -> MessageEnd:
    """Waits for the end of a message and returns it.

    The timeout counts from `started_at`, by default from now. Reads the log at least once. Raises
    `WaitTimedOut`, or `NotFound` if the message is not in the log.
    """
    request = entries_of(message_id)
    deadline = Deadline(ctx.system, timeout_s, started_at)
    entries: list[LogEntry] = []

    def attempt() -> MessageEnd | Pending:
        entries[:] = ctx.read_pages(request)
        end = end_of(entries)
        if end is not None:
            return end
        waited_s = deadline.elapsed_s()
        if not entries and waited_s >= min(_UNKNOWN_FOR_S, timeout_s):
            raise NotFound(
                f"the log has no message {message_id}",
                hint="check the profile and the region; QStash keeps logs for a few days",
            )
        return Pending(f"Waiting for {message_id}: {_progress(entries)}, {waited_s:.0f}s")

    def timed_out() -> WaitTimedOut:
        state = entries[0]["state"] if entries else "not in the log yet"
        return WaitTimedOut(
            f"not delivered within {format_duration(timeout_s)}: {message_id} is {state}",
            hint=f"`qstash message wait {message_id}` continues waiting",
        )

    with ctx.status() as status:
        status.update(f"Waiting for {message_id}")
        return poll(attempt, deadline, report=status.update, timed_out=timed_out)


def _progress(entries: list[LogEntry]) -> str:
    if not entries:
        return "not in the log yet"
    parts = [entries[0]["state"]]
    tried = attempts_in(entries)
    if tried:
        parts.append(amount(tried, "attempt"))
    last = next((one["responseStatus"] for one in entries if one.get("responseStatus")), None)
    return ", ".join([*parts, *([f"last response {last}"] if last else [])])


class Deliveries:
    """The messages that a command publishes, and the error for those that are not delivered.

    Collects ids while the command's result is written, so that they are on standard output before
    the wait begins. The wait for all of them takes at most `timeout_s`.
    """

    def __init__(self, ctx: Context, timeout_s: int) -> None:
        self._ctx = ctx
        self._timeout_s = timeout_s
        self._ids: list[str] = []
        self._ends: list[MessageEnd] = []
        self._failures: dict[str, QstashError] = {}

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, each once."""
        return list(dict.fromkeys(self._ids))

    def note(self, record: Published) -> Published:
        """Adds the message of a record, which it returns. Ignores the record of a schedule."""
        if "messageId" in record:
            self._ids.append(record["messageId"])
        return record

    def failure(self) -> QstashError | None:
        """Waits for the end of each message, and returns the error for those not delivered.

        The error for several messages has a line for each, and the exit code of the worst.
        """
        started_at = self._ctx.system.now()
        for message_id in self.ids:
            if not self._wait(message_id, started_at):
                break
        return self._summary()

    def report(self) -> None:
        """Writes the sentence for messages that were all delivered."""
        report_delivered(self._ctx, self._ends)

    def interrupted(self) -> Interrupted | None:
        """Returns the error for Ctrl-C, which names what was published and how to follow it."""
        if not self._ids:
            return None
        if self._ctx.streams.err_is_terminal:
            # The terminal has echoed ^C.
            self._ctx.streams.err.write("\n")
        first, count = self._ids[0], len(self.ids)
        what = f"{first} was published" if count == 1 else f"{count} messages were published"
        return Interrupted(
            f"interrupted; {what}",
            hint=f"`qstash message wait {first}` waits for its delivery, "
            f"`qstash logs --message {first} --follow` shows the attempts",
            lines=self._lines(),
        )

    def _wait(self, message_id: str, started_at: float) -> bool:
        """Waits for one message. Returns False if waiting for others is pointless."""
        try:
            end = wait_for_end(self._ctx, message_id, self._timeout_s, started_at=started_at)
        except QstashError as error:
            self._failures[message_id] = error
            return isinstance(error, NotFound | WaitTimedOut)
        self._ends.append(end)
        if (failure := end.failure) is not None:
            self._failures[message_id] = failure
        return True

    def _summary(self) -> QstashError | None:
        if not self._failures:
            return None
        worst = min(self._failures.values(), key=_rank)
        total = len(self.ids)
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
    """Returns the severity: lost, request failed, unknown, late. The worst is 0."""
    order = (NotDelivered, QstashError, NotFound, WaitTimedOut)
    return next(
        (rank for rank, kind in enumerate(order) if type(error) is kind), order.index(QstashError)
    )


def report_delivered(ctx: Context, ends: Sequence[MessageEnd]) -> None:
    """Writes the sentence for delivered messages; --quiet omits it."""
    if not ends or ctx.options.output.quiet:
        return
    if len(ends) == 1:
        ctx.say(ends[0].delivered)
        return
    took_ms = max(end.took_ms for end in ends)
    ctx.say(f"Delivered: {amount(len(ends), 'message')}, {seconds(took_ms)}")

"""Waiting until the messages that a command has published are delivered, or are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.commands.common.message_log import failure_of, wait_for_end
from qstash_cli.errors import Interrupted, NotDelivered, NotFound, QstashError, WaitTimedOut

if TYPE_CHECKING:
    from qstash_cli.protocol.records import Published


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

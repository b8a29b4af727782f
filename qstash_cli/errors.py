"""What can go wrong, and the exit code of each.

QstashError                1  the general case: QStash said no
├── OutputFailed           1  standard output cannot be written
├── BadInput               2  wrong usage, or an argument that QStash would refuse
├── BadCredentials         3  none, or not accepted
├── NotFound               4
├── RateLimited            5  or over quota
├── Unreachable            6  no connection, no answer, or no time left for one
├── NotDelivered           8  the message was accepted but its destination did not take it
├── StillRunning           1  accepted, and still going on in the background
├── PartlyDone            10  some of it was done, the rest was not
├── WaitTimedOut         124
└── Interrupted          130
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The stable exit codes of `qstash`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CREDENTIALS = 3
    NOT_FOUND = 4
    RATE_LIMITED = 5
    UNREACHABLE = 6
    NOT_VERIFIED = 7
    NOT_DELIVERED = 8
    DIFFERENCES = 9
    PARTLY_DONE = 10
    WAIT_TIMED_OUT = 124
    INTERRUPTED = 130


class QstashError(Exception):
    """A failure that is reported to the user: what happened, and what to do next.

    `status` is the HTTP status where QStash answered with one. Neither text may hold a secret.
    `lines` are details, such as one failure each: they become lines of the message, indented.
    `has_lines` says that line feeds of the message are its own, not those of a text in it.
    """

    code: ClassVar[str] = "refused"
    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    has_lines: bool = False

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        lines: Sequence[str] = (),
    ) -> None:
        if lines:
            message = "\n  ".join(" ".join(text.split()) for text in (message, *lines))
            self.has_lines = True
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


class OutputFailed(QstashError):
    """Standard output cannot be written, for this reason. `done` says what that means."""

    code = "output_failed"

    def __init__(self, reason: str, *, done: str = "what was sent to QStash stays sent") -> None:
        super().__init__(
            f"cannot write to standard output: {reason}",
            hint=f"redirect it to a file or to /dev/null; {done}",
        )


class BadInput(QstashError):
    """Wrong usage, or an argument that QStash would refuse. Nothing was sent."""

    code = "bad_input"
    exit_code = ExitCode.USAGE


class BadCredentials(QstashError):
    """No credentials were found, or QStash did not accept them."""

    code = "bad_credentials"
    exit_code = ExitCode.CREDENTIALS


class NotFound(QstashError):
    """QStash does not know the id or name."""

    code = "not_found"
    exit_code = ExitCode.NOT_FOUND


class RateLimited(QstashError):
    """A rate limit or a quota of the plan is used up."""

    code = "rate_limited"
    exit_code = ExitCode.RATE_LIMITED


class Unreachable(QstashError):
    """No connection, no answer, or no time left for one."""

    code = "unreachable"
    exit_code = ExitCode.UNREACHABLE


class NotVerified(QstashError):
    """A signature does not hold."""

    exit_code = ExitCode.NOT_VERIFIED


class NotDelivered(QstashError):
    """The message ended without being delivered."""

    code = "not_delivered"
    exit_code = ExitCode.NOT_DELIVERED


class StillRunning(QstashError):
    """QStash accepted it, and does it in the background. Not an error of the request."""

    code = "still_running"


class PartlyDone(QstashError):
    """Some of it was done, and the rest was not. The message says which."""

    code = "partly_done"
    exit_code = ExitCode.PARTLY_DONE


class WaitTimedOut(QstashError):
    """The message was still on its way when the waiting ended."""

    code = "wait_timed_out"
    exit_code = ExitCode.WAIT_TIMED_OUT


class Interrupted(QstashError):
    """Ctrl-C, or end of input at a question."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED

"""The exceptions that commands raise, and the exit code of each.

QstashError                1  the general case: QStash refused the request
├── OutputFailed           1  standard output cannot be written
├── BadInput               2  wrong usage, or an argument that QStash would refuse
├── BadCredentials         3  missing or rejected
├── NotFound               4  no such id or name
├── RateLimited            5  rate limit or quota exceeded
├── Unreachable            6  no connection, no response, or a timeout
├── NotVerified            7  a signature is not valid
├── NotDelivered           8  accepted by QStash, but not by the destination
├── StillRunning           1  accepted, and still running in the background
├── PartlyDone            10  some items succeeded, others did not
├── WaitTimedOut         124  --wait-timeout expired
├── Interrupted          130  Ctrl-C
└── SilentExit           any  an exit code without a message
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

    `status` is the HTTP status code if QStash responded. Neither text may contain a secret.
    `lines` are details, such as one line per failed item; they are appended to the message,
    indented. `has_lines` marks a message whose line feeds were written by us: line feeds in any
    other message come from untrusted text and are escaped.
    """

    code: ClassVar[str] = "refused"
    exit_code: int = ExitCode.FAILED
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
    """Standard output cannot be written. `done` says what happened to the command's work."""

    code = "output_failed"

    def __init__(self, reason: str, *, done: str = "requests already sent are not undone") -> None:
        super().__init__(
            f"cannot write to standard output: {reason}",
            hint=f"redirect it to a file or /dev/null; {done}",
        )


class BadInput(QstashError):
    """Wrong usage, or an argument that QStash would refuse. Nothing was sent."""

    code = "bad_input"
    exit_code = ExitCode.USAGE


class BadCredentials(QstashError):
    """No credentials were found, or QStash rejected them."""

    code = "bad_credentials"
    exit_code = ExitCode.CREDENTIALS


class NotFound(QstashError):
    """QStash has nothing under this id or name."""

    code = "not_found"
    exit_code = ExitCode.NOT_FOUND


class RateLimited(QstashError):
    """A rate limit or a quota of the plan is exceeded."""

    code = "rate_limited"
    exit_code = ExitCode.RATE_LIMITED


class Unreachable(QstashError):
    """The connection failed, or no response arrived in time."""

    code = "unreachable"
    exit_code = ExitCode.UNREACHABLE


class NotVerified(QstashError):
    """A signature is not valid."""

    exit_code = ExitCode.NOT_VERIFIED


class NotDelivered(QstashError):
    """The message failed or was cancelled before it was delivered."""

    code = "not_delivered"
    exit_code = ExitCode.NOT_DELIVERED


class StillRunning(QstashError):
    """QStash accepted the request and works on it in the background. Nothing has failed."""

    code = "still_running"


class PartlyDone(QstashError):
    """Some items succeeded and others did not. The message lists them."""

    code = "partly_done"
    exit_code = ExitCode.PARTLY_DONE


class WaitTimedOut(QstashError):
    """The message was still in progress when `--wait-timeout` expired."""

    code = "wait_timed_out"
    exit_code = ExitCode.WAIT_TIMED_OUT


class Interrupted(QstashError):
    """Ctrl-C, or end of input at a prompt."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED


class SilentExit(QstashError):
    """Ends a run with an exit code and no message, because the output says everything."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("")
        self.exit_code = exit_code

"""How a message ended, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from qstash_cli.errors import NotDelivered, QstashError
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.states import ENDS, normal_state

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

_LINE_CHARACTERS = 200


class MessageEnd(NamedTuple):
    """The log entry that ends a message, the number of attempts, and the time since its creation.

    `response_line` is the first line of the destination's last response.
    """

    entry: LogEntry
    attempts: int
    took_ms: int
    response_line: str

    @property
    def is_delivered(self) -> bool:
        """The destination accepted the message."""
        return normal_state(self.entry["state"]) == "DELIVERED"

    @property
    def delivered(self) -> str:
        """The sentence for a delivered message."""
        status = self.entry.get("responseStatus") or "accepted"
        tried = amount(self.attempts, "attempt")
        return f"Delivered: {status} after {tried}, {seconds(self.took_ms)}"

    @property
    def failure(self) -> QstashError | None:
        """The error for a message that was not delivered, or None."""
        if self.is_delivered:
            return None
        message_id, state = self.entry["messageId"], normal_state(self.entry["state"])
        if state == "CANCELLED":
            return NotDelivered(f"{message_id} was cancelled")
        status, tried = self.entry.get("responseStatus"), amount(self.attempts, "attempt")
        if not status:
            return NotDelivered(
                f"{message_id} failed after {tried}: {self.entry.get('error') or 'no response'}",
                hint="check that the destination is running; "
                f"`qstash dlq retry --message {message_id}` sends the message again",
            )
        text = f"{message_id} failed: {status} after {tried}"
        return NotDelivered(
            f"{text}: {self.response_line}" if self.response_line else text,
            hint=f"`qstash message show {message_id}` shows its attempts and responses",
        )


def end_of(entries: Sequence[LogEntry]) -> MessageEnd | None:
    """Returns the end of a message from its log, newest first; None if it has not ended."""
    end = next((one for one in entries if normal_state(one["state"]) in ENDS), None)
    if end is None:
        return None
    created_ms = min(one["time"] for one in entries)
    return MessageEnd(end, attempts_in(entries), end["time"] - created_ms, _line(end, entries))


def attempts_in(entries: Sequence[LogEntry]) -> int:
    """Returns the number of attempts that a log shows.

    QStash logs ACTIVE when an attempt starts, and DELIVERED or ERROR when it ends. Either entry may
    be missing. Source: QStash docs, "Logs".
    """
    states = [one["state"] for one in entries]
    return max(states.count("ACTIVE"), states.count("ERROR") + states.count("DELIVERED"))


def seconds(ms: int) -> str:
    """Returns a time such as `1.02 s`."""
    return f"{max(0, ms) / 1000:,.2f} s"


def _line(end: LogEntry, entries: Sequence[LogEntry]) -> str:
    """Returns the first line with text of the last response, without markup and shortened."""
    encoded = next((e["responseBody"] for e in (end, *entries) if e.get("responseBody")), "")
    lines = _decoded(encoded).split("\n")
    line = next((" ".join(one.split()) for one in lines if one.strip()), "")
    if line.startswith("<"):
        return ""
    return line if len(line) <= _LINE_CHARACTERS else f"{line[:_LINE_CHARACTERS]}…"


def _decoded(encoded: str) -> str:
    from base64 import b64decode

    # The bytes of one line are enough; base64 has whole groups of four characters.
    beginning = encoded[: 16 * _LINE_CHARACTERS]
    try:
        return b64decode(beginning, validate=True).decode(errors="replace")
    except ValueError:
        return ""

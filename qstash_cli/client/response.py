"""What goes over the wire and comes back, whichever library carries it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.client import responses
from typing import Any, NamedTuple, Protocol

Pairs = Sequence[tuple[bytes, bytes]]


class Fault(Exception):
    """No answer came, and the reason."""


class NotConnected(Fault):
    """There was no connection: nothing was sent."""


class TimedOut(Fault):
    """The answer did not come in time."""


class NotConnectedInTime(NotConnected, TimedOut):
    """There was no connection in time: nothing was sent."""


class Unusable(Exception):
    """The proxy that the environment names cannot be used."""


class Answer(NamedTuple):
    """One answer, whose headers have lower-case names; it took so many seconds."""

    status_code: int
    reason_phrase: str
    headers: dict[str, str]
    content: bytes
    took_s: float

    @property
    def is_success(self) -> bool:
        """QStash did what it was asked."""
        return 200 <= self.status_code < 300

    @property
    def status(self) -> str:
        """The status code with its reason, the usual one where the server gives none."""
        reason = self.reason_phrase or responses.get(self.status_code, "")
        return f"{self.status_code} {reason}".strip()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """The body's value. Raises `ValueError` if it is not JSON."""
        return json.loads(self.content)


class Wire(Protocol):
    """Carries requests to one server, from any number of threads."""

    def send(
        self, method: str, target: str, headers: Pairs, body: bytes, *, limit_s: float
    ) -> Answer:
        """The answer to one request, whole within the limit. Redirects are not followed.

        Raises `Fault`, and `QstashError` for an answer that is too long.
        """

    def close(self) -> None:
        """Closes its connections."""

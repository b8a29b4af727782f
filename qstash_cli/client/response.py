"""HTTP responses of QStash, and the errors of requests without a response."""

from __future__ import annotations

import json
from http.client import responses
from typing import Any, NamedTuple


class TransportError(Exception):
    """No response arrived. The message is the reason."""


class TransportTimeout(TransportError):
    """The response did not arrive in time."""


class ConnectError(TransportError):
    """No connection was established: nothing was sent."""


class ConnectTimeout(ConnectError, TransportTimeout):
    """No connection was established in time: nothing was sent."""


class ProxyError(ConnectError):
    """The proxy refused to connect or to forward: nothing reached the server."""

    def __init__(self, status_code: int) -> None:
        reason = responses.get(status_code, "")
        # The proxy's own reason phrase may repeat its password.
        super().__init__(f"the proxy responded with {status_code} {reason}".rstrip())
        self.status_code = status_code


class Response(NamedTuple):
    """A complete response. Header names are lowercase; `took_s` is the duration of the exchange."""

    status_code: int
    reason_phrase: str
    headers: dict[str, str]
    content: bytes
    took_s: float

    @property
    def is_success(self) -> bool:
        """Whether the status code is 2xx."""
        return 200 <= self.status_code < 300

    @property
    def status(self) -> str:
        """The status code and its reason, the standard one if the server sends none."""
        reason = self.reason_phrase or responses.get(self.status_code, "")
        return f"{self.status_code} {reason}".strip()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Parses the body as JSON. Raises `ValueError` if it is not JSON."""
        return json.loads(self.content)

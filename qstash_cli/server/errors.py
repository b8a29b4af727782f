"""The errors that the server reports to clients."""

from __future__ import annotations

from collections.abc import Sequence


class ApiError(Exception):
    """A refused request: the HTTP status code, QStash's message and extra response headers."""

    def __init__(
        self, status: int, message: str, *, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message)
        self.headers = headers
        self.status = status
        self.message = message

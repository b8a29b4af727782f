"""A request that `qstash listen` received."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from qstash_cli.captures.capture import Capture
    from qstash_cli.server.http.local_endpoint import Received


class Arrival(NamedTuple):
    """A request, its number from 1, and the response to it.

    `received_at` is in unix seconds; `duration_ms` is the time until the response was ready.
    """

    number: int
    request: Received
    status: int
    received_at: float
    duration_ms: int

    def capture(self) -> Capture:
        """Returns the request as `qstash verify` reads it, with the URL that the sender used."""
        from qstash_cli.captures.capture import Capture
        from qstash_cli.captures.raw_http import scheme_of

        request = self.request
        fields = {name.lower(): value for name, value in request.headers}
        host = fields.get("x-forwarded-host") or fields.get("host", "")
        return Capture(
            source="listen",
            method=request.method,
            url=f"{scheme_of(fields, host)}://{host}{request.path}",
            headers=request.headers,
            body=request.body,
        )

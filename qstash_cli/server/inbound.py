"""HTTP/1.1 as uvicorn speaks it, with errors in JSON and no patience with silent clients."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# Guess: how long a client may take for its request line and headers.
_HEAD_WITHIN_S = 30


class Inbound(H11Protocol):
    """A connection. What is no HTTP is answered as the API answers all that is wrong."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Waits for a request."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Takes up what has come, and waits for the rest of a request's head."""
        super().data_received(data)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no longer."""
        super().connection_lost(exc)
        if self._waiting is not None:
            self._waiting.cancel()

    def _wait_for_head(self) -> None:
        if self._waiting is not None and self.conn.their_state is not h11.IDLE:
            self._waiting.cancel()
            self._waiting = None
        elif self._waiting is None and self.conn.their_state is h11.IDLE:
            self._waiting = self.loop.call_later(_HEAD_WITHIN_S, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP, if it can still be answered, and hangs up."""
        if self.cycle is not None and not self.cycle.response_complete:
            # Its body is broken: who answers it would speak after the last word.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._refuse(msg)
        self.transport.close()

    def _refuse(self, msg: str) -> None:
        body = json.dumps({"error": msg}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")

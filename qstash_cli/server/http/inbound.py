"""uvicorn's HTTP/1.1 protocol, with errors in JSON and timeouts for clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from qstash_cli.server.http.joined_writes import JoinedWrites
from qstash_cli.server.http.uvicorn_config import HttpConfig, StoppableState

_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 503: b"Service Unavailable"}


class Inbound(H11Protocol):
    """A connection. Invalid HTTP and slow requests get an error in JSON.

    When there are too many connections, a new one replaces the one that has waited longest for its
    client. It is refused with 503 only if the server is working on a request of each.
    """

    def __init__(
        self,
        config: HttpConfig,
        server_state: StoppableState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = config.clients
        self._server_state = server_state
        # What the client must send next, as a state of h11, and since when; None on our turn.
        self._awaited: type[h11.IDLE | h11.SEND_BODY] | None = None
        self.waiting_since: float | None = None
        self._request_timer: asyncio.TimerHandle | None = None
        self._response_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Waits for a request, unless the server is stopping."""
        super().connection_made(JoinedWrites(transport, self.loop))
        if self._server_state.is_stopping:
            self.shutdown()
            return
        self._make_room()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Handles received data, and waits for the rest."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Waits for the next request, or for the rest of a body that is not needed."""
        super().on_response_complete()
        # Until the next request begins, uvicorn's own timer runs.
        has_begun = bool(self.conn.trailing_data[0])
        self._watch(is_timed=has_begun or self.conn.their_state is h11.SEND_BODY)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancels the timers."""
        super().connection_lost(exc)
        for timer in (self._request_timer, self._response_timer):
            if timer is not None:
                timer.cancel()

    def pause_writing(self) -> None:
        """Starts the timeout for a client that does not read."""
        super().pause_writing()
        self._await_reading()

    def resume_writing(self) -> None:
        """Cancels that timeout."""
        super().resume_writing()
        if self._response_timer is not None:
            self._response_timer.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Closes an idle connection, even if its client has not read everything."""
        super().timeout_keep_alive_handler()
        self._close()

    def send_400_response(self, msg: str) -> None:
        """Responds to invalid HTTP, and closes the connection."""
        self._refuse(400, msg)

    def _make_room(self) -> None:
        if len(self.connections) <= self._limits.connections:
            return
        waiting = [
            (other.waiting_since, other)
            for other in self.connections
            if isinstance(other, Inbound) and other.waiting_since is not None
        ]
        if not waiting:
            self._refuse(503, "too many connections")
            return
        _, other = min(waiting, key=lambda one: one[0])
        # It closes in the next step of the event loop, but must not count from now on.
        self.connections.discard(other)
        other.transport.abort()

    def _watch(self, *, is_timed: bool = True) -> None:
        """Notes what the client has to send next, and starts the timer of it."""
        state = self.conn.their_state
        awaited = state if state in {h11.IDLE, h11.SEND_BODY} else None
        if awaited is not self._awaited:
            self._awaited = awaited
            self.waiting_since = None if awaited is None else self.loop.time()
            if self._request_timer is not None:
                self._request_timer.cancel()
                self._request_timer = None
        if is_timed and awaited is not None and self._request_timer is None:
            limit_s = self._limits.head_s if awaited is h11.IDLE else self._limits.body_s
            self._request_timer = self.loop.call_later(limit_s, self._give_up)

    def _give_up(self) -> None:
        if self._awaited is h11.SEND_BODY:
            self._refuse(408, f"the body did not arrive within {self._limits.body_s:g} s")
        elif self.conn.trailing_data[0]:
            self._refuse(408, f"the request did not arrive within {self._limits.head_s:g} s")
        else:
            self._close()

    def _await_reading(self) -> None:
        unread = self.transport.get_write_buffer_size()

        def check() -> None:
            if self.transport.get_write_buffer_size() < unread:
                self._await_reading()
            else:
                self.transport.abort()

        self._response_timer = self.loop.call_later(self._limits.response_s, check)

    def _refuse(self, status: int, message: str) -> None:
        """Responds with an error unless a response has begun, and closes the connection."""
        if self.cycle is not None and not self.cycle.response_complete:
            # The application must not respond after this.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._respond(status, message)
        self._close()

    def _respond(self, status: int, message: str) -> None:
        body = json.dumps({"error": message}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=status, headers=headers, reason=_REASONS[status]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")

    def _close(self) -> None:
        # A normal close waits until the client has read everything, which may be never.
        end: Callable[[], None] = self.transport.close
        if self.transport.get_write_buffer_size():
            end = self.transport.abort
        end()

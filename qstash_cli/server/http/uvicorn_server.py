"""Runs uvicorn on open sockets, without its access log and with limits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TextIO

import uvicorn
from starlette.types import ASGIApp

from qstash_cli.server.http.inbound import Inbound
from qstash_cli.server.http.listeners import BACKLOG
from qstash_cli.server.http.uvicorn_config import ClientLimits, HttpConfig, StoppableState

_MAX_THREADS = 200


class HttpServer(uvicorn.Server):
    """A server of one application. Set `should_exit` to stop it.

    Warnings are written to `log`, by default to standard error.
    """

    def __init__(
        self, app: ASGIApp, clients: ClientLimits | None = None, log: TextIO | None = None
    ) -> None:
        super().__init__(HttpConfig(app, Inbound, clients or ClientLimits(), log))
        self.server_state: StoppableState = StoppableState()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves until `should_exit` is set."""
        # Each name that is being resolved occupies a thread, some for many seconds.
        threads = ThreadPoolExecutor(_MAX_THREADS, "server")
        asyncio.get_running_loop().set_default_executor(threads)
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to accept connections."""
        await super().startup(sockets)
        for listener in sockets or ():
            # uvicorn has limited the backlog to the connections that it accepts in one step.
            listener.listen(BACKLOG)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops accepting connections, waits for responses for a limited time, closes the rest."""
        loop = asyncio.get_running_loop()
        for listener in sockets or ():
            # Windows' event loop has no readers.
            with contextlib.suppress(NotImplementedError):
                loop.remove_reader(listener)
        # When a server is closed, asyncio loses the sockets of accepted connections without a
        # transport. They get their transports in the next step of the event loop.
        await asyncio.sleep(0)
        # uvicorn closes the connections that it has. Those that open later close themselves.
        self.server_state.is_stopping = True
        try:
            await super().shutdown(sockets)
        finally:
            for connection in self.server_state.connections:
                # Closing would wait until the client has read everything.
                connection.transport.abort()


@contextlib.contextmanager
def running_in_thread(
    server: HttpServer, sockets: Sequence[socket.socket]
) -> Iterator[threading.Thread]:
    """Runs a server in a thread, and stops it at the end of the block."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        server.should_exit = True
        thread.join()

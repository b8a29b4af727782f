"""uvicorn as this project runs it: on sockets that are open already, quiet and bounded."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from socket import socket
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from qstash_cli.server.inbound import Inbound

_STOP_WITHIN_S = 1


class HttpServer(uvicorn.Server):
    """A server of one application. Set `should_exit` to stop it."""

    def __init__(self, app: ASGIApp, *, lifespan: Literal["on", "off"]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                lifespan=lifespan,
                server_header=False,
                http=Inbound,
                ws="none",
                proxy_headers=False,
                timeout_graceful_shutdown=_STOP_WITHIN_S,
            )
        )


@contextlib.contextmanager
def running_in_thread(server: HttpServer, sockets: Sequence[socket]) -> Iterator[threading.Thread]:
    """Runs a server in a thread, and stops it at the end of the block."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        server.should_exit = True
        thread.join()

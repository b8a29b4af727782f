"""The settings of uvicorn, and limits that it does not have."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, TextIO

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from qstash_cli.server.http.server_logs import log_config

_STOP_WITHIN_S = 1
# Connections that are accepted in one step of the event loop, before any of them is counted.
_ACCEPTED_PER_STEP = 32
# The limit of open files on most systems, for systems that do not report it.
_USUAL_OPEN_FILES = 1024


def _max_connections() -> int:
    """Returns a third of the files that the process may open: deliveries need connections, too."""
    try:
        import resource
    except ImportError:
        return _USUAL_OPEN_FILES // 3
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_bounded = 0 <= limit < 4 * _USUAL_OPEN_FILES
    return max(_ACCEPTED_PER_STEP, (limit if is_bounded else 4 * _USUAL_OPEN_FILES) // 3)


class ClientLimits(NamedTuple):
    """Timeouts for clients in seconds, and the limit of connections.

    `head_s` limits the head of a request, `body_s` its body, `response_s` the reading of
    any part of a response, and `idle_s` the time between requests.
    """

    head_s: float = 30
    body_s: float = 60
    response_s: float = 30
    idle_s: int = 5
    connections: int = _max_connections()


class StoppableState(ServerState):
    """The state that connections share. Connections that open while a server stops are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_stopping = False


class HttpConfig(uvicorn.Config):
    """The settings of a server whose connections are instances of `protocol`."""

    def __init__(
        self,
        app: ASGIApp,
        protocol: type[asyncio.Protocol],
        clients: ClientLimits,
        log: TextIO | None = None,
    ) -> None:
        self.clients = clients
        super().__init__(
            app,
            log_config=log_config(log),
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            http=protocol,
            ws="none",
            proxy_headers=False,
            backlog=_ACCEPTED_PER_STEP,
            timeout_keep_alive=clients.idle_s,
            timeout_graceful_shutdown=_STOP_WITHIN_S,
        )

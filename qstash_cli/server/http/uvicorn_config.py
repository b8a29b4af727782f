"""uvicorn's settings, with limits for which it has none."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from qstash_cli.server.http.server_logs import LOG_CONFIG

_STOP_WITHIN_S = 1
# How many connections are accepted in one step of the event loop, before any of them is counted.
_ACCEPTED_AT_ONCE = 32
# The limit of open files of most systems, where it cannot be asked for.
_USUAL_OPEN_FILES = 1024


def _most_connections() -> int:
    """A third of the files that the process may open: deliveries need connections, too."""
    try:
        import resource
    except ImportError:
        return _USUAL_OPEN_FILES // 3
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_bounded = 0 <= limit < 4 * _USUAL_OPEN_FILES
    return max(_ACCEPTED_AT_ONCE, (limit if is_bounded else 4 * _USUAL_OPEN_FILES) // 3)


class ClientLimits(NamedTuple):
    """How long clients may take, in seconds, and how many of them may be connected.

    `head_s` is for the head of a request, `body_s` for its body, `response_s` for reading any part
    of a response, and `idle_s` is how long a connection is kept without a request.
    """

    head_s: float = 30
    body_s: float = 60
    response_s: float = 30
    idle_s: int = 5
    connections: int = _most_connections()


class StoppableState(ServerState):
    """What the connections of a server share. Those that are made while it stops are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_stopping = False


class HttpConfig(uvicorn.Config):
    """The settings of a server, whose connections are of the class `protocol`."""

    def __init__(
        self, app: ASGIApp, protocol: type[asyncio.Protocol], clients: ClientLimits
    ) -> None:
        self.clients = clients
        super().__init__(
            app,
            log_config=LOG_CONFIG,
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            http=protocol,
            ws="none",
            proxy_headers=False,
            backlog=_ACCEPTED_AT_ONCE,
            timeout_keep_alive=clients.idle_s,
            timeout_graceful_shutdown=_STOP_WITHIN_S,
        )

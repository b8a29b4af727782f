"""Starting and stopping the server."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from qstash_cli.errors import QstashError
from qstash_cli.frozen import dataclass
from qstash_cli.protocol.dev_credentials import DEV_PORT, DEV_USER, Credentials
from qstash_cli.protocol.limits import UNLIMITED, Limits
from qstash_cli.server.app import build, open_store

_LOOPBACK = "127.0.0.1"
_BACKLOG = 2048
_STOP_S = 1


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """How to serve. A port of 0 picks a free one; `routes` are URL prefixes and where they go."""

    host: str = _LOOPBACK
    port: int = DEV_PORT
    db: Path | None = None
    routes: tuple[tuple[str, str], ...] = ()
    speed: float = 1.0
    limits: Limits = UNLIMITED
    credentials: Credentials = DEV_USER


def serve(config: ServerConfig, on_ready: Callable[[str], None]) -> None:
    """Serves until it is interrupted. `on_ready` gets the URL once it answers.

    Raises `QstashError` if the port or the database is in use.
    """
    with _listening(config) as listeners:
        server = _Server(config, lambda: on_ready(_url(config.host, listeners[0])))
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=listeners)


@contextlib.contextmanager
def running_server(config: ServerConfig) -> Iterator[str]:
    """A server in a thread of its own, and its URL."""
    ready = threading.Event()
    with _listening(config) as listeners:
        server = _Server(config, ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": listeners}, daemon=True)
        thread.start()
        while not ready.wait(0.05):
            if not thread.is_alive():
                raise QstashError("the embedded server did not start")
        try:
            yield _url(config.host, listeners[0])
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: ServerConfig, on_ready: Callable[[], None]) -> None:
        app = build(
            open_store(config.db),
            host=config.host,
            credentials=config.credentials,
            routes=config.routes,
            speed=config.speed,
            limits=config.limits,
        )
        super().__init__(
            uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                lifespan="on",
                server_header=False,
                timeout_graceful_shutdown=_STOP_S,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


@contextlib.contextmanager
def _listening(config: ServerConfig) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as open_ones:
        try:
            listener = open_ones.enter_context(_bound(config.host, config.port))
        except OSError as fault:
            raise QstashError(
                f"cannot listen on {config.host}:{config.port}: {(fault.strerror or '').lower()}",
                hint="is another `qstash dev` running? choose another --port, 0 for a free one",
            ) from None
        listeners = [listener]
        if config.host == _LOOPBACK:
            # `localhost` is the address of IPv6 for some programs. Not every machine has it.
            with contextlib.suppress(OSError):
                port = listener.getsockname()[1]
                listeners.append(open_ones.enter_context(_bound("::1", port)))
        yield listeners


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where TCP is named does asyncio turn off the delay of small answers, which is 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"

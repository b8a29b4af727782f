"""A stopping server closes every connection, whatever its clients do at that moment."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import warnings
from collections.abc import Awaitable, Callable, Iterator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from qstash_cli.server.http.listeners import loopback
from qstash_cli.server.http.uvicorn_server import HttpServer

_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
# More than the buffers of both sockets take.
_LARGE = "x" * 50_000_000


class _Scripted(HttpServer):
    """A server that stops at the end of `script`, which runs in its event loop."""

    def __init__(self, app: ASGIApp, script: Callable[[], Awaitable[None]]) -> None:
        super().__init__(app)
        self._script = script

    async def main_loop(self) -> None:
        await self._script()


@pytest.fixture
def clients() -> Iterator[list[socket.socket]]:
    connected: list[socket.socket] = []
    yield connected
    for client in connected:
        client.close()


def _application(response: Response, arrived: asyncio.Event | None = None) -> ASGIApp:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        if arrived is not None:
            arrived.set()
        await response(scope, receive, send)

    return application


def _serve_until_stopped(
    app: ASGIApp, script: Callable[[tuple[str, int]], Awaitable[None]]
) -> None:
    """Stops the server, and fails if one of its sockets is still open afterwards."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with loopback(0) as (_, listeners):
            address = listeners[0].getsockname()
            _Scripted(app, lambda: script(address)).run(sockets=listeners)
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def _is_closed(client: socket.socket) -> bool:
    client.settimeout(60)
    with contextlib.suppress(ConnectionResetError):
        while client.recv(1 << 20):
            pass
    return True


@pytest.mark.parametrize("steps", range(7))
def test_connections_accepted_while_the_server_stops_are_closed(
    clients: list[socket.socket], capfd: pytest.CaptureFixture[str], steps: int
) -> None:
    async def connect(address: tuple[str, int]) -> None:
        clients.extend(socket.create_connection(address) for _ in range(20))
        # Each step of the event loop is a step in the creation of the connections.
        for _ in range(steps):
            await asyncio.sleep(0)

    _serve_until_stopped(_application(PlainTextResponse("hello")), connect)
    assert all(map(_is_closed, clients))
    # The stop did not have to wait for anything.
    assert capfd.readouterr().err == ""


def test_idle_connections_are_closed_when_the_server_stops(clients: list[socket.socket]) -> None:
    async def request(address: tuple[str, int]) -> None:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(_REQUEST)
        await reader.readuntil(b"hello")
        # The server has to close the connection while the client's end is still open.
        clients.append(writer.get_extra_info("socket").dup())
        writer.close()
        await writer.wait_closed()

    _serve_until_stopped(_application(PlainTextResponse("hello")), request)
    assert all(map(_is_closed, clients))


def test_a_client_that_reads_nothing_is_disconnected_when_the_server_stops(
    clients: list[socket.socket],
) -> None:
    arrived = asyncio.Event()

    async def request(address: tuple[str, int]) -> None:
        clients.append(socket.create_connection(address))
        clients[0].sendall(_REQUEST)
        await arrived.wait()

    _serve_until_stopped(_application(PlainTextResponse(_LARGE), arrived), request)
    assert _is_closed(clients[0])


def test_a_request_that_never_ends_is_aborted_when_the_server_stops(
    clients: list[socket.socket],
) -> None:
    arrived = asyncio.Event()

    async def never_respond(_scope: Scope, _receive: Receive, _send: Send) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async def request(address: tuple[str, int]) -> None:
        clients.append(socket.create_connection(address))
        clients[0].sendall(_REQUEST)
        await arrived.wait()

    _serve_until_stopped(never_respond, request)
    assert _is_closed(clients[0])

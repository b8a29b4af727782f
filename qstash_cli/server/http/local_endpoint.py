"""A local HTTP endpoint that responds to each request with the result of a function."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.listeners import loopback
from qstash_cli.server.http.request_body import read_body
from qstash_cli.server.http.responses import refusal
from qstash_cli.server.http.uvicorn_server import HttpServer, running_in_thread

T = TypeVar("T")


class Received(NamedTuple):
    """A request. `path` is the raw target; header names are in lower case."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Returns the first header with this name, or an empty string."""
        return next((value for n, value in self.headers if n == name.lower()), "")


@dataclass
class LocalEndpoint:
    """The URL of an endpoint, and the requests so far."""

    url: str
    received: list[Received] = field(default_factory=list)


Respond = Callable[[Received], tuple[int, bytes]]


@contextlib.contextmanager
def running_endpoint(
    respond: Respond, port: int = 0, *, keep_requests: bool = True
) -> Iterator[LocalEndpoint]:
    """Runs an endpoint on a loopback port, 0 for a free one.

    `respond` returns status and body; each call has a thread of its own. With `keep_requests`
    every request is kept in `received`. Raises `QstashError` if the port is in use.
    """
    with loopback(port) as (url, sockets):
        endpoint = LocalEndpoint(url)

        def kept(request: Received) -> tuple[int, bytes]:
            endpoint.received.append(request)
            return respond(request)

        server = HttpServer(_application(kept if keep_requests else respond))
        with running_in_thread(server, sockets):
            yield endpoint


def _application(respond: Respond) -> ASGIApp:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with contextlib.suppress(ClientDisconnect):
            await (await _response(request, respond))(scope, receive, send)

    return application


async def _response(request: Request, respond: Respond) -> Response:
    try:
        received = await _received(request)
    except ApiError as refused:
        return refusal(refused.status, refused.message, refused.headers)
    status, body = await _in_thread(lambda: respond(received))
    return Response(body, status)


async def _received(request: Request) -> Received:
    scope = request.scope
    query = scope["query_string"]
    return Received(
        method=request.method,
        path=(scope["raw_path"] + (b"?" + query if query else b"")).decode("latin-1"),
        headers=tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ),
        body=await read_body(request),
    )


async def _in_thread(work: Callable[[], T]) -> T:
    """Returns what `work` returns or raises, from a daemon thread.

    The threads of an executor would keep the process from exiting until their work is done.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        # The loop may be closed by now, and the waiting task cancelled.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if outcome.done() else set_outcome())

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            raised = error
            settle(lambda: outcome.set_exception(raised))
        else:
            settle(lambda: outcome.set_result(result))

    threading.Thread(target=run, daemon=True).start()
    return await outcome

"""A real HTTP server on loopback with a list of responses, and a client for it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from qstash_cli.client.client import Client, ClientConfig

TOKEN = "token-of-a-test"


class Reply(NamedTuple):
    """One response. `json`, if given, is encoded as the body.

    If `cut` is true, the server closes the connection without a response after it read the request.
    """

    status: int = 200
    json: Any = None
    headers: Mapping[str, str] = {}
    body: bytes = b""
    cut: bool = False


CUT = Reply(cut=True)


class Received(NamedTuple):
    """A request as received: `target` is its path and query, and header names are lowercase."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """The replies in order. The last one is repeated, or called with the request."""

    url: str
    replies: list[Reply | Callable[[Received], Reply]]
    requests: list[Received] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply_to(self, request: Received) -> Reply:
        with self.lock:
            self.requests.append(request)
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply if isinstance(reply, Reply) else reply(request)


@contextmanager
def scripted_server(
    *replies: Reply | Callable[[Received], Reply], port: int = 0
) -> Iterator[ScriptedServer]:
    """Runs a server, on a free port unless one is given."""
    with ThreadingHTTPServer(("127.0.0.1", port), BaseHTTPRequestHandler) as http:
        server = ScriptedServer(f"http://127.0.0.1:{http.server_port}", list(replies))
        http.RequestHandlerClass = _handler_of(server)
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def _handler_of(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = server.reply_to(Received(self.command, self.path, headers, body))
            if reply.cut:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            content = reply.body if reply.json is None else json.dumps(reply.json).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class ClientUnderTest:
    """A client whose pauses take no time. Records its pauses and the lines that it traced.

    `on_sleep` is called at each pause.
    """

    def __init__(
        self,
        url: str,
        *,
        max_wait_s: float = 10,
        request_timeout_s: float = 60,
        is_local: bool = False,
        on_sleep: Callable[[], None] = lambda: None,
    ) -> None:
        self.pauses: list[float] = []
        self.lines: list[str] = []
        self.time = 1_700_000_000.0

        def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            self.time += seconds
            on_sleep()

        self.client = Client(
            url,
            TOKEN,
            is_local=is_local,
            config=ClientConfig(
                now=lambda: self.time,
                sleep=sleep,
                trace=self.lines.append,
                max_wait_s=max_wait_s,
                request_timeout_s=request_timeout_s,
            ),
        )

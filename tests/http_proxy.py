"""A real HTTP proxy on loopback, which tunnels (CONNECT) and forwards requests to local servers."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from qstash_cli.protocol.value_types import METHODS


@dataclass
class HttpProxy:
    """`hosts` maps `HOST:PORT` as a client names it to the port of a server on loopback.

    `credentials` is the `USER:PASSWORD` that clients must send. `heads` are the heads of all
    requests to the proxy itself, as they arrived. `tunnel_closed` is set once a server closed a
    tunnel and the end was passed on to the client.
    """

    hosts: dict[str, int]
    credentials: str = ""
    heads: list[bytes] = field(default_factory=list)
    address: str = ""
    tunnel_closed: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The value of HTTPS_PROXY."""
        user = f"{self.credentials}@" if self.credentials else ""
        return f"http://{user}{self.address}"

    def accepts(self, authorization: str | None) -> bool:
        expected = f"Basic {base64.b64encode(self.credentials.encode()).decode()}"
        return not self.credentials or authorization == expected


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: HttpProxy
    raw_requestline: bytes

    def parse_request(self) -> bool:
        is_valid = super().parse_request()
        if is_valid:
            head = self.raw_requestline + bytes(self.headers)
            self.proxy.heads.append(head)
        return is_valid

    def handle(self) -> None:
        # The client may have disconnected.
        with suppress(OSError):
            super().handle()

    def serve_connect(self) -> None:
        if (upstream := self._upstream(self.path)) is None:
            return
        self.close_connection = True
        with socket.create_connection(("127.0.0.1", upstream)) as server:
            self.send_response_only(200, "Connection established")
            self.end_headers()
            back = threading.Thread(target=self._pipe_back, args=(server,), daemon=True)
            back.start()
            _pipe(self.connection, server)
            back.join()

    def _pipe_back(self, server: socket.socket) -> None:
        _pipe(server, self.connection)
        self.proxy.tunnel_closed.set()

    def serve_forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        origin = urlsplit(self.path)
        port = origin.port or 80
        if (upstream := self._upstream(f"{origin.hostname}:{port}")) is None:
            return
        target = self.path[len(f"http://{origin.netloc}") :]
        hop = {"proxy-authorization", "connection"}
        headers = {n: v for n, v in self.headers.items() if n.lower() not in hop}
        server = HTTPConnection("127.0.0.1", upstream, timeout=60)
        try:
            server.request(self.command, target, body or None, headers)
            response = server.getresponse()
            self._respond(response.status, response.read())
        finally:
            server.close()

    def _upstream(self, authority: str) -> int | None:
        """Returns the port of the server, None if the request was rejected."""
        if not self.proxy.accepts(self.headers.get("Proxy-Authorization")):
            self._respond(407)
            return None
        if authority not in self.proxy.hosts:
            self._respond(502)
        return self.proxy.hosts.get(authority)

    def _respond(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Logs nothing."""


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def running_http_proxy(hosts: dict[str, int], *, credentials: str = "") -> Iterator[HttpProxy]:
    """Runs a proxy."""
    proxy = HttpProxy(hosts, credentials)
    methods = {f"do_{method}": _Handler.serve_forward for method in METHODS}
    attributes = {"proxy": proxy, "do_CONNECT": _Handler.serve_connect, **methods}
    handler = type("Handler", (_Handler,), attributes)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        proxy.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()

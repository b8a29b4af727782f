"""A loopback proxy that injects faults of networks and servers."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from qstash_cli.protocol.value_types import METHODS

FAULTS = (
    "refused with 500",
    "done, then 500",
    "refused with 503",
    "refused with 429",
    "cut before",
    "cut after",
    "truncated",
)


@dataclass
class Proxy:
    """The proxy's target and faults. `fault_of` is called with the number of the request, from 1,
    and returns one of `FAULTS`, or an empty string to forward the request.
    """

    target: str
    fault_of: Callable[[int], str] = lambda _number: ""
    on_request: Callable[[int], None] = lambda _number: None
    seen: list[str] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


def at_random(share: float, seed: int) -> Callable[[int], str]:
    """Returns faults for this share of requests; the seed makes them reproducible."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    return lambda _number: chance.choice(FAULTS) if chance.random() < share else ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            # Some tests disconnect the client on purpose.
            self.close_connection = True

    def serve(self) -> None:
        proxy = self.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with proxy.lock:
            proxy.seen.append(f"{self.command} {self.path}")
            number = len(proxy.seen)
            fault = proxy.fault_of(number)
        proxy.on_request(number)
        if fault == "cut before":
            return self._cut()
        if fault.startswith("refused with"):
            return self._respond(int(fault[-3:]), b'{"error":"on purpose"}')
        status, content = self._forwarded(body)
        if fault == "cut after":
            return self._cut()
        if fault == "done, then 500":
            return self._respond(500, b'{"error":"on purpose"}')
        if fault == "truncated":
            self._respond(status, content[: len(content) // 2], claimed=len(content))
            return self._cut()
        return self._respond(status, content)

    def _forwarded(self, body: bytes) -> tuple[int, bytes]:
        parts = urlsplit(self.proxy.target)
        upstream = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            headers = {n: v for n, v in self.headers.items() if n.lower() != "connection"}
            headers["Host"] = parts.netloc
            upstream.request(self.command, self.path, body, headers)
            response = upstream.getresponse()
            return response.status, response.read()
        finally:
            upstream.close()

    def _respond(self, status: int, body: bytes, *, claimed: int | None = None) -> None:
        self.send_response(status)
        if status == 429:
            self.send_header("Burst-RateLimit-Reset", "0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if claimed is None else claimed))
        self.end_headers()
        self.wfile.write(body)

    def _cut(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Logs nothing."""


@contextmanager
def running_proxy(proxy: Proxy) -> Iterator[Proxy]:
    """Runs the proxy at `proxy.url`."""
    verbs = {f"do_{method}": _Handler.serve for method in METHODS}
    handler = type("Handler", (_Handler,), {"proxy": proxy, **verbs})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()

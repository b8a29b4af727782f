"""A local endpoint to deliver to: it keeps what it receives and answers as it is told."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qstash_cli.errors import QstashError
from qstash_cli.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came in."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of that name, empty if there is none."""
        return next((value for n, value in self.headers if n.lower() == name.lower()), "")


@dataclass
class Endpoint:
    """Where it listens, and what it has received so far."""

    url: str
    received: list[Received] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    # With few places the system drops connections, and they come again seconds later.
    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asks may go away in the middle; all else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _bound(port: int, handler: type[BaseHTTPRequestHandler]) -> _Server:
    try:
        return _Server(("127.0.0.1", port), handler)
    except OSError as fault:
        raise QstashError(
            f"cannot listen on port {port}: {(fault.strerror or '').lower()}",
            hint="choose another --port, 0 for a free one",
        ) from None


@contextmanager
def running_endpoint(
    answer: Callable[[Received], tuple[int, bytes]], port: int = 0
) -> Iterator[Endpoint]:
    """An endpoint on a loopback port, 0 for a free one, in threads.

    `answer` says status and body. Raises `QstashError` if the port is in use.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Received(
                method=self.command,
                path=self.path,
                headers=tuple(self.headers.items()),
                body=body,
            )
            endpoint.received.append(request)
            status, text = answer(request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _take  # noqa: N815 - http.server's

        def log_message(self, *_: object) -> None:
            pass

    with _bound(port, Handler) as server:
        endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()

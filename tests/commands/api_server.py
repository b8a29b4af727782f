"""A server with scripted responses, which may be late, wrong or encrypted."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qstash_cli.protocol.dev_credentials import DEV_USER

# A status, a JSON body and optional headers.
Response = tuple[int, Any] | tuple[int, Any, Mapping[str, str]]
Responses = Mapping[tuple[str, str], Response | Callable[[], Response]]

KEYS = {"current": DEV_USER.current_signing_key, "next": DEV_USER.next_signing_key}
HEALTHY: Responses = {
    ("GET", "/v2/logs"): (200, {"logs": []}),
    ("GET", "/v2/keys"): (200, KEYS),
    ("POST", "/v2/publish"): (400, {"error": "invalid scheme"}),
}


@dataclass
class ApiServer:
    """Sends scripted responses, and records method, path and token of each request.

    `script` returns the response to a method, path and token, in place of `responses`. `now` is the
    server's clock in unix seconds, and `ahead_s` is how far it is ahead. `may_respond` can delay
    the responses.
    """

    url: str = ""
    responses: Responses = field(default_factory=lambda: HEALTHY)
    script: Callable[[str, str, str], Response] | None = None
    accepts: str | None = None
    ahead_s: float = 0
    now: Callable[[], float] = time.time
    may_respond: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str, str]] = field(default_factory=list)

    def respond(self, method: str, path: str, token: str) -> Response:
        self.requests.append((method, path, token))
        if self.accepts is not None and token != f"Bearer {self.accepts}":
            return 401, {"error": "unable to authenticate: invalid token"}
        if self.script is not None:
            return self.script(method, path, token)
        for (verb, start), found in self._longest_first():
            if verb == method and path.startswith(start):
                return found() if callable(found) else found
        return 404, {"error": "not found"}

    def _longest_first(self) -> list[tuple[tuple[str, str], Response | Callable[[], Response]]]:
        return sorted(self.responses.items(), key=lambda item: -len(item[0][1]))


@contextmanager
def api_server(
    *, certificate: ssl.SSLContext | None = None, is_late: bool = False, **given: Any
) -> Iterator[ApiServer]:
    """Runs a server on a free port. With `is_late`, it sends no responses until the end."""
    api = ApiServer(**given)
    if not is_late:
        api.may_respond.set()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(api)) as server:
        scheme, host = "http", "127.0.0.1"
        if certificate is not None:
            server.socket = certificate.wrap_socket(server.socket, server_side=True)
            scheme, host = "https", "localhost"
        api.url = f"{scheme}://{host}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield api
        finally:
            api.may_respond.set()
            server.shutdown()
            thread.join()


def _handler(api: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _take(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization") or ""
            status, content, *headers = api.respond(self.command, self.path, token)
            api.may_respond.wait()
            text = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            for name, value in (headers[0] if headers else {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _take  # noqa: N815 - http.server's

        def date_time_string(self, timestamp: float | None = None) -> str:
            at_s = api.now() if timestamp is None else timestamp
            return formatdate(at_s + api.ahead_s, usegmt=True)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            # The client may have disconnected, or may not trust the certificate.
            try:
                super().handle()
            except OSError:
                self.close_connection = True

    return Handler

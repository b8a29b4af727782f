"""An endpoint that records its requests, and fails on demand."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from qstash_cli.server.http.local_endpoint import Received, running_endpoint


class SinkRequest(NamedTuple):
    """A request. `path` includes the query, and the names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON. Raises `ValueError` if it is not JSON."""
        return json.loads(self.body)


class SinkResponse(NamedTuple):
    """What the endpoint responds."""

    status: int
    body: bytes


_OK = SinkResponse(200, b"ok")


class Sink:
    """The requests of one test, and the responses to them. `url` is the origin of the endpoint."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[SinkRequest] = []
        self._lock = threading.Lock()
        self._next: list[SinkResponse] = []
        self._otherwise = _OK

    def respond(self, status: int = 200, body: bytes | str = b"ok", *, times: int = 0) -> None:
        """Sets the response: of the next `times` requests, or of all if it is 0."""
        response = SinkResponse(status, body.encode() if isinstance(body, str) else body)
        with self._lock:
            if times:
                self._next += [response] * times
            else:
                self._next, self._otherwise = [], response

    def fail(self, times: int = 0, *, status: int = 500) -> None:
        """Fails the next `times` requests, or all until `respond` is called if it is 0."""
        self.respond(status, b"failed on demand", times=times)

    def respond_to(self, request: SinkRequest) -> SinkResponse:
        """Records a request and returns its response."""
        with self._lock:
            self.received.append(request)
            return self._next.pop(0) if self._next else self._otherwise


class Endpoint:
    """A running endpoint, whose requests go to the sink of the current test."""

    def __init__(self) -> None:
        self.url = ""
        self._sink = Sink("")

    def new_sink(self) -> Sink:
        """Returns the sink for the requests from now on."""
        self._sink = Sink(self.url)
        return self._sink

    def respond(self, received: Received) -> tuple[int, bytes]:
        """Returns the response to a request."""
        request = SinkRequest(received.method, received.path, dict(received.headers), received.body)
        return self._sink.respond_to(request)


@contextlib.contextmanager
def running() -> Iterator[Endpoint]:
    """Runs an endpoint on a free port."""
    endpoint = Endpoint()
    with running_endpoint(endpoint.respond, keep_requests=False) as local:
        endpoint.url = local.url
        yield endpoint

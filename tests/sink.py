"""A destination on loopback, whose responses a test scripts."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

import pytest

from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from tests.stopping import stopped_later


class Sink:
    """A destination with scripted responses; the last one repeats."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.body = b"ok"
        self.endpoint = LocalEndpoint("")
        self._lock = Lock()

    def respond(self, _request: Received) -> tuple[int, bytes]:
        # Each request has a thread of its own.
        with self._lock:
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return status, self.body

    @property
    def url(self) -> str:
        return self.endpoint.url

    @property
    def received(self) -> list[Received]:
        return self.endpoint.received


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A real endpoint on loopback."""
    sink = Sink()
    with stopped_later(running_endpoint(sink.respond)) as endpoint:
        sink.endpoint = endpoint
        yield sink

"""Names that are slow to resolve do not delay deliveries to other hosts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests import plain_http
from tests.sink import Sink

HOSTS = 40


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch, server_url: str) -> Iterator[set[str]]:  # noqa: ARG001 - the server ends after it
    """A resolver that does not respond for names of .example. Yields the requested names."""
    asked: set[str] = set()
    released = threading.Event()
    resolve = socket.getaddrinfo

    def slow(host: Any, *more: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if str(name).endswith(".example"):
            asked.add(str(name))
            released.wait()
            raise socket.gaierror("no such name")
        return resolve(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    yield asked
    released.set()


def test_names_that_do_not_resolve_do_not_delay_other_hosts(
    resolver: set[str], server_url: str, sink: Sink, eventually: Callable[..., object]
) -> None:
    headers = {"Authorization": f"Bearer {DEV_USER.token}", "Upstash-Retries": "0"}
    with plain_http.Client(base_url=server_url, headers=headers) as http:
        for number in range(HOSTS):
            http.post(f"/v2/publish/http://host{number}.example/").raise_for_status()
        eventually(lambda: resolver)
        http.post(f"/v2/publish/{sink.url.replace('127.0.0.1', 'localhost')}").raise_for_status()

        eventually(lambda: sink.received)
        eventually(lambda: len(resolver) == HOSTS)

    assert [request.path for request in sink.received] == ["/"]

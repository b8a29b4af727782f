from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from qstash_cli.client.transport import HttpTransport
from tests.client.peers import Peer, Peers, Transports, listening
from tests.client.scripted import ClientUnderTest

Connect = Callable[..., ClientUnderTest]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Creates clients for a URL, and closes them after the test."""
    made: list[ClientUnderTest] = []

    def connect_(url: str, **given: Any) -> ClientUnderTest:
        made.append(ClientUnderTest(url, **given))
        return made[-1]

    yield connect_
    for one in made:
        one.client.close()


@pytest.fixture
def peer() -> Iterator[Peers]:
    """Starts a server with these responses for each connection."""
    with ExitStack() as stack:

        def start(*responses: tuple[bytes, ...], context: ssl.SSLContext | None = None) -> Peer:
            return stack.enter_context(listening(Peer(responses, context)))

        yield start


@pytest.fixture
def transport() -> Iterator[Transports]:
    """Creates a transport for a URL, and closes it after the test."""
    made: list[HttpTransport] = []

    def create(url: str, **given: Any) -> HttpTransport:
        made.append(HttpTransport(url, **given))
        return made[-1]

    yield create
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes proxies from the environment of the tests."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """The TLS context of a server, with a certificate issued by `authority`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "qstash.invalid").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets SSL_CERT_FILE to the certificate of `authority`."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

"""The transport with real sockets: what it sends, reuses, decodes and refuses."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from qstash_cli.client.response import (
    ConnectError,
    ConnectTimeout,
    TransportError,
    TransportTimeout,
)
from qstash_cli.errors import BadInput
from tests.client.peers import OK, SILENCE, Peers, Transports


@pytest.fixture
def slow_reader() -> Iterator[Callable[[ssl.SSLContext | None], str]]:
    """Starts a server that reads a part of a request every tenth of a second."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(context: ssl.SSLContext | None) -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            with closing(connection):
                while not over.wait(0.1) and connection.recv(100_000):
                    pass

    def start(context: ssl.SSLContext | None) -> str:
        threading.Thread(target=serve, args=(context,), daemon=True).start()
        return f"{'https' if context else 'http'}://localhost:{listener.getsockname()[1]}"

    yield start
    over.set()
    listener.close()


def test_a_request_is_sent_byte_for_byte(peer: Peers, transport: Transports) -> None:
    server = peer((OK,))
    target = "/v2/publish/https://example.com/a//b?c=%2F&d=%20"

    response = transport(server.url).send(
        "POST", target, [(b"X-A", b"1"), (b"X-A", "ü".encode())], b"\x00body", limit_s=10
    )

    assert (response.status_code, response.content, response.is_success) == (200, b"ok", True)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert first == f"POST {target} HTTP/1.1".encode()
    assert {b"X-A: 1", b"X-A: \xc3\xbc", b"Content-Length: 5"} <= set(lines)
    assert f"Host: {server.url.removeprefix('http://')}".encode() in lines
    assert body == b"\x00body"


def test_a_connection_is_reused_and_closed_with_the_transport(
    peer: Peers, transport: Transports
) -> None:
    server = peer((OK, OK, OK, SILENCE))
    one = transport(server.url)

    for _ in range(3):
        assert one.send("GET", "/", [], b"", limit_s=60).content == b"ok"

    assert (server.connections, len(server.requests)) == (1, 3)
    one.close()
    assert server.closed.wait(60)


def test_a_connection_closed_by_the_server_is_not_reused(
    peer: Peers, transport: Transports
) -> None:
    server = peer((OK,))
    one = transport(server.url)

    one.send("GET", "/", [], b"", limit_s=60)
    assert server.closed.wait(60)

    assert one.send("GET", "/", [], b"", limit_s=60).content == b"ok"
    assert (server.connections, len(server.requests)) == (2, 2)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Connection: close\r\n", b"some text"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nsome \r\n4\r\ntext\r\n0\r\n\r\n"),
        (b"Content-Encoding: gzip\r\nConnection: close\r\n", gzip.compress(b"some text")),
        (b"Content-Encoding: deflate\r\nConnection: close\r\n", zlib.compress(b"some text")),
        (
            b"Content-Encoding: deflate\r\nConnection: close\r\n",
            zlib.compress(b"some text", wbits=-zlib.MAX_WBITS),
        ),
    ],
    ids=["to the end", "chunked", "gzip", "deflate", "bare deflate"],
)
def test_bodies_are_read_completely_and_decoded(
    peer: Peers, headers: bytes, body: bytes, transport: Transports
) -> None:
    server = peer((b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + body,))

    assert transport(server.url).send("GET", "/", [], b"", limit_s=60).content == b"some text"


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ncut",
        b"this is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nnot a header\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX-A: \x07\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"1" * 100_000 + b"\r\n\r\n",
        (b"HTTP/1.1 200 OK\r\n" + (b"X-A: " + b"1" * 60_000 + b"\r\n") * 50 + b"\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno",
    ],
)
def test_after_a_malformed_response_the_request_may_have_been_sent(
    peer: Peers, response: bytes, transport: Transports
) -> None:
    server = peer((response,))
    one = transport(server.url)

    with pytest.raises(TransportError) as caught:
        one.send("GET", "/", [], b"", limit_s=60)

    assert not isinstance(caught.value, ConnectError)
    assert len(server.requests) == 1
    assert server.closed.wait(60)


def test_a_silent_server_causes_a_timeout(peer: Peers, transport: Transports) -> None:
    server = peer((OK, SILENCE))
    # Connected without haste, so that it is the response that is late.
    one = transport(server.url)
    one.send("GET", "/", [], b"", limit_s=60)

    with pytest.raises(TransportTimeout) as caught:
        one.send("GET", "/", [], b"", limit_s=0.2)

    assert not isinstance(caught.value, ConnectError)
    assert server.closed.wait(60)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_large_body_is_received_completely(
    peer: Peers, transport: Transports, tls: ssl.SSLContext, *, is_encrypted: bool
) -> None:
    server = peer((OK, OK), context=tls if is_encrypted else None)
    one = transport(server.url)
    body = bytes(range(256)) * 40_000

    for _ in range(2):
        assert one.send("POST", "/", [], body, limit_s=60).content == b"ok"

    assert server.connections == 1
    assert [request.partition(b"\r\n\r\n")[2] == body for request in server.requests] == [True] * 2


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_server_that_reads_slowly_causes_a_timeout(
    slow_reader: Callable[[ssl.SSLContext | None], str],
    transport: Transports,
    tls: ssl.SSLContext,
    *,
    is_encrypted: bool,
) -> None:
    url = slow_reader(tls if is_encrypted else None)
    one = transport(url)
    began_at = time.monotonic()

    with pytest.raises(TransportTimeout):
        one.send("POST", "/", [], b"x" * 50_000_000, limit_s=0.5)

    # The server needs 50 s for all of it.
    assert time.monotonic() - began_at < 20


def test_after_a_refused_connection_the_request_was_not_sent(transport: Transports) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

        with pytest.raises(ConnectError) as refused:
            transport(url).send("GET", "/", [], b"", limit_s=60)
    assert not isinstance(refused.value, TransportTimeout)


def test_a_connection_attempt_has_a_timeout(transport: Transports) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        place = full.getsockname()
        # These connections fill the backlog; the kernel ignores further connection attempts.
        waiting = [socket.create_connection(place)]
        slow = transport(f"http://127.0.0.1:{place[1]}", connect_timeout_s=0.2)
        try:
            with pytest.raises(ConnectTimeout):
                slow.send("GET", "/", [], b"", limit_s=60)
        finally:
            for one in waiting:
                one.close()


@pytest.mark.parametrize("value", [b"a\r\nX-Evil: 1", b"a\nX-Evil: 1"])
def test_a_header_cannot_inject_another_header(
    peer: Peers, value: bytes, transport: Transports
) -> None:
    server = peer((OK,))

    with pytest.raises(TransportError):
        transport(server.url).send("GET", "/", [(b"X-A", value)], b"", limit_s=60)
    assert server.requests == []


def test_a_target_cannot_inject_another_request(peer: Peers, transport: Transports) -> None:
    server = peer((OK,))

    with pytest.raises(TransportError):
        transport(server.url).send("GET", "/ HTTP/1.1\r\nX-Evil: 1\r\n", [], b"", limit_s=60)
    assert server.requests == []


def test_each_thread_has_its_own_connection(peer: Peers, transport: Transports) -> None:
    server = peer((OK,) * 50)
    one = transport(server.url)

    with ThreadPoolExecutor(8) as pool:
        responses = list(
            pool.map(lambda _: one.send("GET", "/", [], b"", limit_s=60).content, range(50))
        )

    assert responses == [b"ok"] * 50
    assert 1 <= server.connections <= 8
    one.close()


@pytest.mark.usefixtures("trusted")
def test_certificates_from_the_environment_are_trusted(
    peer: Peers, transport: Transports, tls: ssl.SSLContext
) -> None:
    server = peer((OK,), context=tls)

    response = transport(server.url).send("GET", "/", [], b"", limit_s=60)

    assert response.content == b"ok"


def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(
    peer: Peers,
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    transport: Transports,
) -> None:
    server = peer((OK,), context=tls)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    with pytest.raises(ConnectError, match="certificate verify failed"):
        transport(server.url).send("GET", "/", [], b"", limit_s=60)
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_a_tls_handshake_has_a_timeout(transport: Transports) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}"
        started_at = time.monotonic()

        with pytest.raises(ConnectTimeout):
            transport(url, connect_timeout_s=0.2).send("GET", "/", [], b"", limit_s=100)
    assert time.monotonic() - started_at < 30


def test_unreadable_certificates_are_bad_input(
    transport: Transports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")

    with pytest.raises(BadInput, match="SSL_CERT_FILE"):
        transport("https://localhost:1")

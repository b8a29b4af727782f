"""`listen` with chunked, malformed and oversized requests: it loses none and never crashes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Listen
from tests.trust.memory import peak_mebibytes

MEBIBYTE = 1_048_576
# The time limit for requests that can be rejected by their head. A server that waits for the body
# never responds.
PROMPTLY_S = 60


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.settimeout(PROMPTLY_S)
        yield connection


def response_of(connection: socket.socket, method: str = "POST") -> tuple[int, bytes]:
    with HTTPResponse(connection, method=method) as response:
        response.begin()
        return response.status, response.read()


def exchanged(url: str, request: bytes) -> tuple[int, bytes]:
    """Sends raw bytes and returns the status code and body of the response."""
    with connected(url) as connection:
        connection.sendall(request)
        return response_of(connection, request.split(b" ")[0].decode())


def head(*lines: str) -> bytes:
    return "\r\n".join(["POST /hook HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def test_a_chunked_body_is_received_completely(listen: Listen) -> None:
    listener = listen("--dev")
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in (b"hello ", b"w", b"orld"))

    exchanged(listener.url, head("Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")

    assert listener.record()["body"] == "hello world"


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -1",),
        ("Content-Length: abc",),
        ("Content-Length: \u00b2",),
        (f"Content-Length: {'9' * 5000}",),
        ("Content-Length: 1", "Content-Length: 2"),
        ("Content-Length: 1, 2",),
        ("Transfer-Encoding: gzip",),
        ("Transfer-Encoding: chunked, gzip",),
        ("X: \x00",),
    ],
)
def test_a_malformed_head_is_rejected_immediately(listen: Listen, lines: tuple[str, ...]) -> None:
    listener = listen("--dev")

    status, _ = exchanged(listener.url, head(*lines))
    exchanged(listener.url, head("Content-Length: 2") + b"ok")

    assert status in {400, 501}
    assert listener.record()["body"] == "ok"
    assert listener.stop() == ""


def test_a_malformed_chunk_is_rejected_and_the_next_request_is_served(listen: Listen) -> None:
    listener = listen("--dev")

    status, _ = exchanged(listener.url, head("Transfer-Encoding: chunked") + b"zz\r\nhello\r\n")
    exchanged(listener.url, head("Content-Length: 2") + b"ok")

    assert status == 400
    assert listener.record()["body"] == "ok"
    assert listener.stop() == ""


def test_an_oversized_content_length_is_rejected_before_the_body_is_sent(
    listen: Listen,
) -> None:
    listener = listen("--dev")

    status, body = exchanged(listener.url, head(f"Content-Length: {800 * MEBIBYTE}"))

    assert (status, b"larger than" in body) == (413, True)
    assert listener.stop() == ""


def test_an_endless_chunked_body_is_rejected_in_bounded_memory(listen: Listen) -> None:
    listener = listen("--dev")
    chunk = b"%x\r\n%s\r\n" % (MEBIBYTE, bytes(MEBIBYTE))

    with connected(listener.url) as connection:
        connection.sendall(head("Transfer-Encoding: chunked"))
        for _ in range(200):
            connection.sendall(chunk)
        status, body = response_of(connection)

    assert (status, b"larger than" in body) == (413, True)
    assert peak_mebibytes(listener.process.pid) < 400
    assert listener.stop() == ""


def test_a_client_that_disconnects_causes_no_traceback(listen: Listen) -> None:
    listener = listen("--dev")

    with connected(listener.url) as connection:
        connection.sendall(head("Content-Length: 10") + b"half")
    exchanged(listener.url, head("Content-Length: 2") + b"ok")

    assert listener.record()["body"] == "ok"
    assert listener.stop() == ""


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "PROPFIND", "TRACE"])
def test_every_method_and_target_is_recorded_as_sent(listen: Listen, method: str) -> None:
    listener = listen("--dev")

    exchanged(listener.url, f"{method} /a//b%7e?x=%20 HTTP/1.1\r\nHost: h\r\n\r\n".encode())

    record = listener.record()
    assert (record["method"], record["path"]) == (method, "/a//b%7e?x=%20")

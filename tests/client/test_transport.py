"""The wire without a proxy, against real sockets: what is sent, kept, decoded, and told apart."""

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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

from qstash_cli.client.response import Fault, NotConnected, NotConnectedInTime, TimedOut
from qstash_cli.client.transport import PlainWire, certificates

Wires = Callable[..., PlainWire]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
# In place of an answer: the request is taken, and nothing comes.
SILENCE = b"(silence)"


@dataclass
class Peer:
    """A server; `answers` are those of each connection, which it closes behind the last one."""

    answers: tuple[tuple[bytes, ...], ...]
    context: ssl.SSLContext | None = None
    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                answers = self.answers[min(self.connections, len(self.answers) - 1)]
                self.connections += 1
                threading.Thread(target=self._talk, args=(connection, answers), daemon=True).start()

    def _talk(self, connection: socket.socket, answers: tuple[bytes, ...]) -> None:
        with suppress(OSError):
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            with closing(connection):
                for answer in answers:
                    self.requests.append(_request(connection))
                    if answer == SILENCE:
                        connection.recv(1)
                    else:
                        connection.sendall(answer)
        self.closed.set()


Peers = Callable[..., Peer]


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            raise OSError("it is gone")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields.get(b"content-length", b"0")):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def peer() -> Iterator[Peers]:
    """Starts a server whose connections have these answers."""
    listeners: list[socket.socket] = []

    def start(*answers: tuple[bytes, ...], context: ssl.SSLContext | None = None) -> Peer:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        scheme, host = ("http", "127.0.0.1") if context is None else ("https", "localhost")
        made = Peer(answers, context, f"{scheme}://{host}:{listener.getsockname()[1]}")
        threading.Thread(target=made.serve, args=(listener,), daemon=True).start()
        return made

    yield start
    for listener in listeners:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def slow_reader() -> Iterator[Callable[[ssl.SSLContext | None], str]]:
    """Starts a server that takes some of a request every tenth of a second."""
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


@pytest.fixture
def wire() -> Iterator[Wires]:
    """Opens a wire to a URL, and closes it after the test."""
    opened: list[PlainWire] = []

    def open_(url: str, **given: Any) -> PlainWire:
        usual: dict[str, Any] = {"context": None, "connect_timeout_s": 5}
        opened.append(PlainWire(url, **(usual | given)))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


def test_what_is_sent_is_what_was_given_byte_for_byte(peer: Peers, wire: Wires) -> None:
    there = peer((OK,))
    target = "/v2/publish/https://example.com/a//b?c=%2F&d=%20"

    answer = wire(there.url).send(
        "POST", target, [(b"X-A", b"1"), (b"X-A", "ü".encode())], b"\x00body", limit_s=10
    )

    assert (answer.status_code, answer.content, answer.is_success) == (200, b"ok", True)
    head, _, body = there.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert first == f"POST {target} HTTP/1.1".encode()
    assert {b"X-A: 1", b"X-A: \xc3\xbc", b"Content-Length: 5"} <= set(lines)
    assert f"Host: {there.url.removeprefix('http://')}".encode() in lines
    assert body == b"\x00body"


def test_a_connection_is_used_again_and_closed_at_the_end(peer: Peers, wire: Wires) -> None:
    there = peer((OK, OK, OK, SILENCE))
    one = wire(there.url)

    for _ in range(3):
        assert one.send("GET", "/", [], b"", limit_s=10).content == b"ok"

    assert (there.connections, len(there.requests)) == (1, 3)
    one.close()
    assert there.closed.wait(10)


def test_a_connection_that_was_closed_meanwhile_is_not_used(peer: Peers, wire: Wires) -> None:
    there = peer((OK,))
    one = wire(there.url)

    one.send("GET", "/", [], b"", limit_s=10)
    assert there.closed.wait(10)

    assert one.send("GET", "/", [], b"", limit_s=10).content == b"ok"
    assert (there.connections, len(there.requests)) == (2, 2)


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
def test_bodies_are_read_whole_and_decoded(
    peer: Peers, headers: bytes, body: bytes, wire: Wires
) -> None:
    there = peer((b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + body,))

    assert wire(there.url).send("GET", "/", [], b"", limit_s=10).content == b"some text"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ncut",
        b"this is no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno",
    ],
)
def test_an_answer_that_is_none_is_a_fault_which_may_have_been_sent(
    peer: Peers, answer: bytes, wire: Wires
) -> None:
    there = peer((answer,))
    one = wire(there.url)

    with pytest.raises(Fault) as fault:
        one.send("GET", "/", [], b"", limit_s=10)

    assert not isinstance(fault.value, NotConnected)
    assert len(there.requests) == 1
    assert there.closed.wait(10)


def test_silence_is_not_waited_for_longer_than_is_said(peer: Peers, wire: Wires) -> None:
    there = peer((SILENCE,))

    with pytest.raises(TimedOut) as fault:
        wire(there.url).send("GET", "/", [], b"", limit_s=0.2)

    assert not isinstance(fault.value, NotConnected)
    assert there.closed.wait(10)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("is_secured", [False, True])
def test_a_body_that_goes_out_in_many_pieces_arrives_whole(
    peer: Peers, wire: Wires, secured: ssl.SSLContext, *, is_secured: bool
) -> None:
    there = peer((OK, OK), context=secured if is_secured else None)
    one = wire(there.url, context=certificates() if is_secured else None)
    body = bytes(range(256)) * 40_000

    for _ in range(2):
        assert one.send("POST", "/", [], body, limit_s=30).content == b"ok"

    assert there.connections == 1
    assert [request.partition(b"\r\n\r\n")[2] == body for request in there.requests] == [True] * 2


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("is_secured", [False, True])
def test_who_takes_a_request_piece_by_piece_is_not_waited_for_longer(
    slow_reader: Callable[[ssl.SSLContext | None], str],
    wire: Wires,
    secured: ssl.SSLContext,
    *,
    is_secured: bool,
) -> None:
    url = slow_reader(secured if is_secured else None)
    one = wire(url, context=certificates() if is_secured else None)
    began_at = time.monotonic()

    with pytest.raises(TimedOut):
        one.send("POST", "/", [], b"x" * 50_000_000, limit_s=0.5)

    assert time.monotonic() - began_at < 5


def test_that_nothing_was_sent_is_told_apart(wire: Wires) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"

        with pytest.raises(NotConnected) as refused:
            wire(url).send("GET", "/", [], b"", limit_s=10)
    assert not isinstance(refused.value, TimedOut)


def test_a_connection_that_does_not_come_about_in_time_was_not_sent(
    wire: Wires,
) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        place = full.getsockname()
        # They take the places that there are; whoever comes next is not answered at all.
        waiting = [socket.create_connection(place) for _ in range(1)]
        slow = wire(f"http://127.0.0.1:{place[1]}", connect_timeout_s=0.2)
        try:
            with pytest.raises(NotConnectedInTime):
                slow.send("GET", "/", [], b"", limit_s=10)
        finally:
            for one in waiting:
                one.close()


@pytest.mark.parametrize("value", [b"a\r\nX-Evil: 1", b"a\nX-Evil: 1"])
def test_a_header_cannot_begin_another_one(peer: Peers, value: bytes, wire: Wires) -> None:
    there = peer((OK,))

    with pytest.raises(Fault):
        wire(there.url).send("GET", "/", [(b"X-A", value)], b"", limit_s=10)
    assert there.requests == []


def test_a_target_cannot_begin_another_request(peer: Peers, wire: Wires) -> None:
    there = peer((OK,))

    with pytest.raises(Fault):
        wire(there.url).send("GET", "/ HTTP/1.1\r\nX-Evil: 1\r\n", [], b"", limit_s=10)
    assert there.requests == []


def test_threads_have_connections_of_their_own(peer: Peers, wire: Wires) -> None:
    there = peer((OK,) * 50)
    one = wire(there.url)

    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: one.send("GET", "/", [], b"", limit_s=10).content, range(50))
        )

    assert answers == [b"ok"] * 50
    assert 1 <= there.connections <= 8
    one.close()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secured(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names the authority."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.mark.usefixtures("trusted")
def test_certificates_are_those_that_the_environment_names(
    peer: Peers, wire: Wires, secured: ssl.SSLContext
) -> None:
    there = peer((OK,), context=secured)

    answer = wire(there.url, context=certificates()).send("GET", "/", [], b"", limit_s=10)

    assert answer.content == b"ok"


def test_nothing_is_sent_to_a_server_that_nobody_vouches_for(
    peer: Peers,
    secured: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    wire: Wires,
) -> None:
    there = peer((OK,), context=secured)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    with pytest.raises(NotConnected, match="certificate verify failed"):
        wire(there.url, context=certificates()).send("GET", "/", [], b"", limit_s=10)
    assert there.requests == []

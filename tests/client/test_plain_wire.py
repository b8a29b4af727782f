"""The wire without a proxy, against sockets that answer as they are told."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from qstash_cli.client.plain_wire import PlainWire, certificates
from qstash_cli.client.wire import Fault, NotConnected, NotConnectedInTime, TimedOut

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
DATA = b'{"text": "a text that is there twice, a text that is there twice"}'
TARGETS = (
    "/v2/publish/https://example.com/a?b=%2F",
    "/v2/publish/https://example.com//a/../b/./c//?x=1&x=2&y",
    "/v2/publish/http://[::1]:8080/%C3%A9%20~!$&'()*+,;=:@{}|",
    "/v2/publish/https://example.com/a?b=https://other.example/?c%3Dd",
)


class Peer:
    """A server each of whose connections is a function, in their order; the last one repeats."""

    def __init__(
        self, *scripts: Callable[[Peer, socket.socket], None], context: ssl.SSLContext | None = None
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.is_over = threading.Event()
        self._scripts = scripts
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def request(self, connection: socket.socket) -> bytes:
        """The next whole request, empty at the end of the connection."""
        received = b""
        while b"\r\n\r\n" not in received:
            block = connection.recv(65_536)
            if not block:
                return b""
            received += block
        head, _, body = received.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length: ")
        while len(body) < int(length.split(b"\r\n")[0] or 0):
            body += connection.recv(65_536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def close(self) -> None:
        """Ends all of it."""
        self.is_over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                self._threads.append(threading.Thread(target=self._run, args=(script, connection)))
                self._threads[-1].start()

    def _run(
        self, script: Callable[[Peer, socket.socket], None], connection: socket.socket
    ) -> None:
        with suppress(OSError), connection:
            if self._context is None:
                script(self, connection)
                return
            with self._context.wrap_socket(connection, server_side=True) as encrypted:
                script(self, encrypted)


def answering(answer: bytes) -> Callable[[Peer, socket.socket], None]:
    def script(peer: Peer, connection: socket.socket) -> None:
        while peer.request(connection):
            connection.sendall(answer)

    return script


def silent(peer: Peer, _connection: socket.socket) -> None:
    peer.is_over.wait()


@contextmanager
def talking(
    *scripts: Callable[[Peer, socket.socket], None],
    context: ssl.SSLContext | None = None,
    trusting: ssl.SSLContext | None = None,
    connect_timeout_s: float = 10,
    timeout_s: float = 10,
    scheme: str = "http",
) -> Iterator[tuple[PlainWire, Peer]]:
    """A wire to a peer with these scripts. `trusting` is what the wire goes by."""
    with ExitStack() as stack:
        peer = Peer(*scripts, context=context)
        stack.callback(peer.close)
        wire = PlainWire(
            f"{scheme}://127.0.0.1:{peer.port}",
            context=trusting,
            connect_timeout_s=connect_timeout_s,
            timeout_s=timeout_s,
        )
        stack.callback(wire.close)
        yield wire, peer


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def encrypted(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_connection_is_used_again() -> None:
    with talking(answering(OK)) as (wire, peer):
        for _ in range(3):
            assert wire.send("GET", "/a", [], b"").content == b"ok"

        assert (peer.connections, len(peer.requests)) == (1, 3)


@pytest.mark.parametrize("how", ["closed", "half-closed"])
def test_a_connection_that_ended_while_idle_is_replaced_before_anything_is_sent(how: str) -> None:
    ended = threading.Event()

    def one_answer(peer: Peer, connection: socket.socket) -> None:
        peer.request(connection)
        connection.sendall(OK)
        if how == "closed":
            connection.close()
            ended.set()
            return
        connection.shutdown(socket.SHUT_WR)
        ended.set()
        peer.request(connection)

    with talking(one_answer, answering(OK)) as (wire, peer):
        wire.send("POST", "/first", [], b"1")
        assert ended.wait(10)
        answer = wire.send("POST", "/second", [], b"2")

        assert answer.content == b"ok"
        assert peer.connections == 2
        assert [request[:13] for request in peer.requests] == [b"POST /first H", b"POST /second "]


def test_a_connection_that_the_server_says_it_closes_is_not_used_again() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with talking(answering(closing)) as (wire, peer):
        wire.send("GET", "/a", [], b"")
        wire.send("GET", "/a", [], b"")

        assert peer.connections == 2


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Len", b"SSH-2.0-hello\r\n",
                                    b"HTTP/1.1 200 OK\r\nX-A: 1\r\n",
                                    OK[:-1]])  # fmt: skip
def test_an_answer_that_is_none_or_cut_off_may_have_been_heeded(answer: bytes) -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        peer.request(connection)
        connection.sendall(answer)

    with talking(script) as (wire, peer):
        with pytest.raises(Fault) as told:
            wire.send("POST", "/a", [], b"1")

        assert not isinstance(told.value, NotConnected | TimedOut)
        assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"]
)
def test_an_answer_may_go_on_until_the_connection_ends(head: bytes) -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        peer.request(connection)
        connection.sendall(head + b"o")
        connection.sendall(b"k")

    with talking(script) as (wire, _peer):
        assert wire.send("GET", "/a", [], b"").content == b"ok"


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", gzip.compress(DATA)),
        ("GZip", gzip.compress(DATA)),
        ("deflate", zlib.compress(DATA)),
        ("deflate", bare(DATA)),
        ("identity", DATA),
    ],
    ids=["gzip", "another case", "deflate", "a bare stream", "neither"],
)
def test_an_answer_is_unpacked(encoding: str, content: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(content)}"
    with talking(answering(f"{head}\r\n\r\n".encode() + content)) as (wire, peer):
        assert wire.send("GET", "/a", [], b"").content == DATA
        assert b"\r\nAccept-Encoding: gzip, deflate\r\n" in peer.requests[0]


def test_an_answer_that_cannot_be_unpacked_is_a_fault() -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"
    told = pytest.raises(Fault, match="the answer is not gzip")
    with talking(answering(broken)) as (wire, _peer), told:
        wire.send("GET", "/a", [], b"")


def test_an_answer_in_chunks_is_put_together_and_its_connection_used_again() -> None:
    chunks = b"2\r\n{}\r\n3;note=x\r\n\r\n \r\n0\r\nTrailer: x\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    with talking(answering(chunked)) as (wire, peer):
        for _ in range(2):
            assert wire.send("GET", "/a", [], b"").content == b"{}\r\n "

        assert peer.connections == 1


def test_headers_have_lower_case_names_and_those_that_come_twice_are_joined() -> None:
    twice = OK.replace(b"\r\n\r\n", b"\r\nX-A: 1\r\nx-a: 2\r\n\r\n").replace(b"200 OK", b"489 No")
    with talking(answering(twice)) as (wire, _peer):
        answer = wire.send("GET", "/a", [], b"")

    assert (answer.status_code, answer.reason_phrase) == (489, "No")
    assert answer.headers == {"content-length": "2", "x-a": "1, 2"}


def test_a_certificate_that_ssl_cert_file_names_is_trusted(
    authority: trustme.CA,
    encrypted: ssl.SSLContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    with talking(
        answering(OK), context=encrypted, trusting=certificates(), scheme="https"
    ) as (wire, peer):  # fmt: skip
        assert wire.send("POST", "/a", [], b"body").content == b"ok"
        assert wire.send("POST", "/a", [], b"body").content == b"ok"

        assert peer.connections == 1


@pytest.mark.parametrize("case", ["unknown authority", "another name"])
def test_a_certificate_that_is_not_trusted_is_told_and_nothing_is_sent(
    case: str,
    authority: trustme.CA,
    encrypted: ssl.SSLContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if case == "unknown authority":
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    else:
        file = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(str(file))
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        encrypted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("other.example").configure_cert(encrypted)

    with talking(
        answering(OK), context=encrypted, trusting=certificates(), scheme="https"
    ) as (wire, peer):  # fmt: skip
        with pytest.raises(NotConnected, match="certificate verify failed"):
            wire.send("POST", "/a", [], b"body")

        assert peer.requests == []


def test_nobody_there_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    wire = PlainWire(url, context=None, connect_timeout_s=5, timeout_s=5)

    with pytest.raises(NotConnected) as told:
        wire.send("POST", "/a", [], b"")

    assert not isinstance(told.value, TimedOut)


def test_a_connection_that_is_not_made_in_time_means_that_nothing_was_sent() -> None:
    # The handshake, for which this one waits in vain, is a part of connecting.
    silence = talking(silent, trusting=certificates(), connect_timeout_s=0.1, scheme="https")
    with silence as (wire, _peer), pytest.raises(NotConnectedInTime):
        wire.send("POST", "/a", [], b"body")


def test_an_answer_that_does_not_come_in_time_says_nothing_about_what_was_done() -> None:
    def never(peer: Peer, connection: socket.socket) -> None:
        peer.request(connection)
        peer.is_over.wait()

    with talking(never, answering(OK), timeout_s=0.1) as (wire, peer):
        with pytest.raises(TimedOut) as told:
            wire.send("POST", "/a", [], b"body")

        assert not isinstance(told.value, NotConnected)
        assert len(peer.requests) == 1
        # Its answer may still come, and must not be taken for that of another request.
        assert wire.send("POST", "/b", [], b"").content == b"ok"
        assert peer.connections == 2


def test_an_answer_may_take_longer_than_connecting_may() -> None:
    def late(peer: Peer, connection: socket.socket) -> None:
        peer.request(connection)
        peer.is_over.wait(0.3)
        connection.sendall(OK)

    with talking(late, connect_timeout_s=0.1) as (wire, _peer):
        assert wire.send("POST", "/a", [], b"body").content == b"ok"


@pytest.mark.parametrize(
    ("target", "header"),
    [
        ("/a", (b"X-A", b"1\r\nX-B: 2")),
        ("/a", (b"X-A", b"1\nX-B: 2")),
        ("/a", (b"X-A: 1\r\nX-B", b"2")),
        ("/a HTTP/1.1\r\nX-B: 2\r\n\r\n", (b"X-A", b"1")),
        ("/a b", (b"X-A", b"1")),
    ],
)
def test_what_would_write_another_header_is_refused_and_nothing_is_sent(
    target: str, header: tuple[bytes, bytes]
) -> None:
    with talking(answering(OK)) as (wire, peer):
        with pytest.raises(Fault):
            wire.send("POST", target, [header], b"")
        wire.send("GET", "/after", [], b"")

        assert [request.split(b" HTTP")[0] for request in peer.requests] == [b"GET /after"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_sent_byte_for_byte(target: str) -> None:
    with talking(answering(OK)) as (wire, peer):
        wire.send("POST", target, [(b"X-A", b"\xc3\xa9 1")], b"body")

    line, *headers = peer.requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert line == f"POST {target} HTTP/1.1".encode()
    assert b"X-A: \xc3\xa9 1" in headers
    assert b"Content-Length: 4" in headers
    assert headers.count(f"Host: 127.0.0.1:{peer.port}".encode()) == 1
    assert peer.requests[0].endswith(b"\r\n\r\nbody")


@pytest.mark.parametrize(("method", "has_length"), [("POST", True), ("GET", False)])
def test_an_empty_body_has_a_length_where_one_is_expected(method: str, has_length: bool) -> None:
    with talking(answering(OK)) as (wire, peer):
        wire.send(method, "/a", [], b"")

    assert (b"\r\nContent-Length: 0\r\n" in peer.requests[0]) == has_length


def test_threads_each_get_the_answer_to_their_own_request() -> None:
    def echo(peer: Peer, connection: socket.socket) -> None:
        while request := peer.request(connection):
            body = request.partition(b"\r\n\r\n")[2]
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)

    with talking(echo) as (wire, peer), ThreadPoolExecutor(8) as pool:
        bodies = [f"body {number}".encode() * 1000 for number in range(200)]
        answers = list(pool.map(lambda body: wire.send("POST", "/a", [], body).content, bodies))

        assert answers == bodies
        assert peer.connections <= 8


def test_closing_ends_the_waiting_of_another_thread() -> None:
    asked = threading.Event()

    def never(peer: Peer, connection: socket.socket) -> None:
        peer.request(connection)
        asked.set()
        peer.is_over.wait()

    with talking(never, timeout_s=60) as (wire, _peer), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wire.send, "POST", "/a", [], b"")
        assert asked.wait(10)
        wire.close()

        assert isinstance(waiting.exception(10), Fault)

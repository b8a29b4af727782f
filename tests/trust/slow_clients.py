"""Clients that never finish their request."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from qstash_cli.protocol.dev_credentials import DEV_USER

_HOST = b"Host: localhost\r\nAuthorization: Bearer %s\r\n" % DEV_USER.token.encode()
_POST = b"POST /v2/batch HTTP/1.1\r\n" + _HOST
_REFUSED = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
_GET = b"GET /v2/keys HTTP/1.1\r\n" + _HOST + b"\r\n"


@dataclass(frozen=True)
class Behaviour:
    """What a client sends: `first` once, then `again` repeatedly."""

    first: bytes
    then: bytes = b""


WAYS = {
    "nothing": Behaviour(b""),
    "a letter": Behaviour(b"P"),
    "half a head": Behaviour(b"POST /v2/keys HTTP/1.1\r\nHost: localhost\r\nX"),
    "a head without end": Behaviour(_POST, b"X: y\r\n"),
    "a header without end": Behaviour(_POST + b"X: ", b"y"),
    "no body": Behaviour(_POST + b"Content-Length: 100000\r\n\r\n"),
    "half a body": Behaviour(_POST + b"Content-Length: 100000\r\n\r\n["),
    "a body in drops": Behaviour(_POST + b"Content-Length: 100000\r\n\r\n[", b" "),
    "half a chunk": Behaviour(_POST + b"Transfer-Encoding: chunked\r\n\r\nff\r\n["),
    "chunks in drops": Behaviour(_POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk size in drops": Behaviour(_POST + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "trailers in drops": Behaviour(_POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "a body after the refusal": Behaviour(_REFUSED + b"Content-Length: 99999\r\n\r\n", b"x"),
    "100-continue": Behaviour(_POST + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n"),
    "idle after a request": Behaviour(_GET),
    "a letter after a request": Behaviour(_GET + b"G"),
    "a head in drops after a request": Behaviour(_GET + b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
}  # fmt: skip


class SlowClients:
    """Connections that send slowly until the server closes them."""

    def __init__(self, url: str, way: Behaviour, count: int = 1, pause_s: float = 0.02) -> None:
        self._address = urlsplit(url)
        self._way = way
        self._count = count
        self._pause_s = pause_s
        self._end = threading.Event()
        self._closing = ExitStack()
        self._thread = threading.Thread(target=self._drip)
        self.open: list[socket.socket] = []
        self.received = b""

    def __enter__(self) -> Self:
        address = (self._address.hostname or "", self._address.port or 0)
        for _ in range(self._count):
            connection = self._closing.enter_context(socket.create_connection(address))
            connection.setblocking(False)
            self.open.append(connection)
            with suppress(OSError):
                connection.send(self._way.first)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._closing.close()

    def _drip(self) -> None:
        while not self._end.wait(self._pause_s):
            self.open = [connection for connection in self.open if self._is_open(connection)]

    def _is_open(self, connection: socket.socket) -> bool:
        try:
            if self._way.then:
                with suppress(BlockingIOError):
                    connection.send(self._way.then)
            with suppress(BlockingIOError):
                received = connection.recv(65_536)
                self.received += received
                return bool(received)
        except OSError:
            return False
        return True

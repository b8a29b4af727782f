"""The wire that is used where no proxy stands between: the standard library's `http.client`.

It is imported in a quarter of httpx's time, and sends a request in a fifth of it.
"""

from __future__ import annotations

import os
import ssl
import time
from contextlib import suppress
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
)
from io import BufferedReader
from select import select
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from qstash_cli.client.body_limits import first, most_bytes, refuse_part
from qstash_cli.client.deadline import within
from qstash_cli.client.deadline_socket import TimedSocket
from qstash_cli.client.response import (
    Answer,
    Fault,
    NotConnected,
    NotConnectedInTime,
    Pairs,
    TimedOut,
)
from qstash_cli.errors import BadInput
from qstash_cli.protocol.headers import check_header

if TYPE_CHECKING:
    from io import RawIOBase
    from socket import socket

_GZIP_OR_ZLIB = 47
_CHUNK_BYTES = 65_536


class PlainWire:
    """Keeps connections open, as many as requests were under way at the same time."""

    def __init__(
        self,
        url: str,
        *,
        context: ssl.SSLContext | None,
        connect_timeout_s: float,
    ) -> None:
        self._place = urlsplit(url)
        self._context = context
        self._connect_timeout_s = connect_timeout_s
        self._idle: list[HTTPConnection] = []
        self._open: set[HTTPConnection] = set()

    def send(
        self, method: str, target: str, headers: Pairs, body: bytes, *, limit_s: float
    ) -> Answer:
        """The answer to one request, whole within the limit. Redirects are not followed.

        Raises `Fault`, and `QstashError` for an answer that is too long.
        """
        began_at = time.perf_counter()
        connection = self._idle_one() or self._connected(limit_s)
        _socket(connection).end_within(limit_s - (time.perf_counter() - began_at))
        try:
            with _exchanged(connection, method, target, headers, body) as response:
                _refuse_unclear(response)
                content, is_whole = _content(response)
        except TimeoutError as fault:
            self._drop(connection)
            raise TimedOut(str(fault)) from fault
        except (OSError, HTTPException, ValueError) as fault:
            self._drop(connection)
            raise Fault(str(fault) or type(fault).__name__) from fault
        except BaseException:
            self._drop(connection)
            raise
        if response.will_close or not is_whole:
            self._drop(connection)
        else:
            self._idle.append(connection)
        return Answer(
            response.status,
            response.reason,
            _by_name(response),
            content,
            time.perf_counter() - began_at,
        )

    def close(self) -> None:
        """Closes its connections, those too on which a thread still waits."""
        self._idle.clear()
        for connection in list(self._open):
            with suppress(OSError):
                _socket(connection).shutdown()
            self._drop(connection)

    def _drop(self, connection: HTTPConnection) -> None:
        self._open.discard(connection)
        connection.close()

    def _idle_one(self) -> HTTPConnection | None:
        # Adding and taking are each one step of the interpreter: no lock is needed.
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if not _was_closed(connection):
                    return connection
                self._drop(connection)
        return None

    def _connected(self, limit_s: float) -> HTTPConnection:
        host, port = self._place.hostname or "", self._place.port
        connection = (
            HTTPConnection(host, port, timeout=self._connect_timeout_s)
            if self._place.scheme.lower() == "http"
            else HTTPSConnection(host, port, timeout=self._connect_timeout_s, context=self._context)
        )
        try:
            # The resolver knows no limit, and each address of the host has one of its own.
            within(limit_s, connection.connect)
        except TimeoutError as fault:
            connection.close()
            raise NotConnectedInTime(str(fault)) from fault
        except (OSError, ValueError) as fault:
            connection.close()
            raise NotConnected(str(fault) or type(fault).__name__) from fault
        connection.response_class = _Response
        connection.sock = cast("socket", TimedSocket(connection.sock))
        self._open.add(connection)
        return connection


class _Input(BufferedReader):
    """What comes in. The head of an answer must have an end."""

    in_head = True
    _is_begun = False

    def readline(self, size: int | None = -1, /) -> bytes:
        """The next line. Raises `IncompleteRead` where the head ends without one."""
        line = super().readline(-1 if size is None else size)
        if self.in_head and self._is_begun and not line:
            raise IncompleteRead(b"")
        self._is_begun = True
        return line


class _Response(HTTPResponse):
    """An answer. `http.client` would take one that is cut in its head for a whole one."""

    def begin(self) -> None:
        """Reads the head."""
        input_ = self.fp = _Input(cast("RawIOBase", self.fp), _CHUNK_BYTES)
        super().begin()
        input_.in_head = False


def certificates() -> ssl.SSLContext:
    """The certificates that httpx goes by: those of the environment, else certifi's.

    Raises `OSError` if they cannot be read.
    """
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not (file or directory):
        import certifi

        file = certifi.where()
    context = ssl.create_default_context(cafile=file or None, capath=None if file else directory)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _socket(connection: HTTPConnection) -> TimedSocket:
    return cast("TimedSocket", connection.sock)


def _exchanged(
    connection: HTTPConnection, method: str, target: str, headers: Pairs, body: bytes
) -> HTTPResponse:
    connection.putrequest(method, target, skip_accept_encoding=True)
    connection.putheader("Accept", "*/*")
    connection.putheader("Accept-Encoding", "gzip, deflate")
    connection.putheader("Connection", "keep-alive")
    for name, value in headers:
        connection.putheader(name, value)
    if body or method in {"POST", "PUT", "PATCH"}:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    return connection.getresponse()


def _refuse_unclear(response: HTTPResponse) -> None:
    """Raises `ValueError` for a head that can be read in two ways, which `http.client` lets pass.

    Source: RFC 9112, sections 5 and 6.3.
    """
    if response.status < 200:
        raise ValueError(f"the answer is none: status {response.status}")
    try:
        for name, value in response.getheaders():
            check_header(name, value)
    except BadInput:
        raise ValueError("a header of the answer is none") from None
    if response.msg.defects:
        raise ValueError("a line of the answer's head is no header")
    if len(set(response.msg.get_all("Content-Length", ()))) > 1:
        raise ValueError("the answer has two lengths")


def _was_closed(connection: HTTPConnection) -> bool:
    # What can be read before anything was asked is the end of the connection.
    with suppress(OSError, ValueError):
        return connection.sock is None or bool(select([connection.sock], [], [], 0)[0])
    return True


def _by_name(response: HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _content(response: HTTPResponse) -> tuple[bytes, bool]:
    """The body, decoded, and whether it is all of it. Raises `ValueError` for a broken one."""
    most = most_bytes(response.status)
    content, is_whole = first(iter(lambda: response.read(_CHUNK_BYTES), b""), most)
    if is_whole and response.length:
        raise IncompleteRead(content, response.length)
    encoding = (response.getheader("Content-Encoding") or "").strip().lower()
    if encoding in {"gzip", "deflate"} and content:
        content, is_decoded = _decoded(encoding, content, most)
        is_whole = is_whole and is_decoded
    if not is_whole:
        refuse_part(response.status)
    return content, is_whole


def _decoded(encoding: str, content: bytes, most: int) -> tuple[bytes, bool]:
    import zlib

    # Some servers take "deflate" to mean the bare stream.
    for form in (_GZIP_OR_ZLIB, -zlib.MAX_WBITS):
        decoder = zlib.decompressobj(form)
        try:
            decoded = decoder.decompress(content, most)
        except zlib.error:
            continue
        if decoder.eof or decoder.unconsumed_tail:
            return decoded, decoder.eof
    raise ValueError(f"the answer is not {encoding}")

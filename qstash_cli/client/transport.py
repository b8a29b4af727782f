"""HTTP connections to QStash, direct and through a proxy: `http.client` with deadlines and limits.

`http.client` is imported in a quarter of the time of httpx, and sends a request in a fifth of it.
`head_reader` refuses heads that `http.client` accepts although RFC 9112 forbids them.
"""

from __future__ import annotations

import os
import re
import ssl
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from select import select
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from qstash_cli.client.body_limits import body_limit_bytes, raise_if_truncated, read_up_to
from qstash_cli.client.deadline import within
from qstash_cli.client.deadline_socket import DeadlineSocket
from qstash_cli.client.head_reader import CHUNK_BYTES, StrictResponse, validate_head
from qstash_cli.client.proxies import bracketed, proxy_for
from qstash_cli.client.response import (
    ConnectError,
    ConnectTimeout,
    ProxyError,
    Response,
    TransportError,
    TransportTimeout,
)
from qstash_cli.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from socket import socket

CONNECT_TIMEOUT_S = 5.0
_GZIP_OR_ZLIB = 47
_PROXY_AUTHENTICATION_REQUIRED = 407
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d+)")

HeaderBytes = tuple[bytes, bytes]


class HttpTransport:
    """Sends requests to one server, from any number of threads.

    Keeps as many connections open as there were concurrent requests. The environment names the
    proxy and the certificates. Raises `BadInput` if these cannot be used.
    """

    def __init__(self, url: str, *, connect_timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        parts = urlsplit(url)
        self._host, self._port = bracketed(parts.hostname or ""), parts.port
        self._is_encrypted = parts.scheme.lower() == "https"
        self._connect_timeout_s = connect_timeout_s
        self.proxy = proxy_for(url)
        # Loading certificates takes time, and plain HTTP does not need them.
        self._tls_context = _tls_context_of_user() if self._is_encrypted else None
        self._idle: list[HTTPConnection] = []
        self._open: set[HTTPConnection] = set()

    def send(
        self,
        method: str,
        target: str,
        headers: Sequence[HeaderBytes],
        body: bytes,
        *,
        limit_s: float,
    ) -> Response:
        """Sends one request and returns the response, complete within the limit.

        Follows no redirects. Raises `TransportError`, and `ResponseTooLong` for a success beyond
        the limit.
        """
        started_at = time.perf_counter()
        connection = self._take_idle() or self._connect(limit_s)
        _socket(connection).set_deadline(limit_s - (time.perf_counter() - started_at))
        try:
            with self._exchange(connection, method, target, headers, body) as response:
                validate_head(response)
                self._raise_if_proxy_refused(response)
                content, is_complete = _read_body(response)
        except TimeoutError as error:
            self._drop(connection)
            raise TransportTimeout(str(error)) from error
        except (OSError, HTTPException, ValueError) as error:
            self._drop(connection)
            raise TransportError(_reason(error)) from error
        except BaseException:
            self._drop(connection)
            raise
        if response.will_close or not is_complete:
            self._drop(connection)
        else:
            self._idle.append(connection)
        return Response(
            response.status,
            response.reason,
            _joined_headers(response),
            content,
            time.perf_counter() - started_at,
        )

    def close(self) -> None:
        """Closes all connections, including those that a thread waits for."""
        self._idle.clear()
        for connection in list(self._open):
            self._drop(connection)

    def _drop(self, connection: HTTPConnection) -> None:
        self._open.discard(connection)
        _close(connection)

    def _take_idle(self) -> HTTPConnection | None:
        # Adding and removing are atomic in the interpreter, so no lock is needed.
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if not _was_closed(connection):
                    return connection
                self._drop(connection)
        return None

    def _connect(self, limit_s: float) -> HTTPConnection:
        connection = self._new_connection()
        ends_at = time.monotonic() + limit_s

        def connect() -> None:
            connection.connect()
            if time.monotonic() > ends_at:
                # No caller waits for this thread any more.
                connection.close()

        try:
            # The resolver has no timeout, and each address of the host has a separate timeout.
            within(limit_s, connect)
        except TimeoutError as error:
            _close(connection)
            raise ConnectTimeout(str(error)) from error
        except (OSError, HTTPException, ValueError) as error:
            _close(connection)
            if refused := _TUNNEL_REFUSED.match(str(error)):
                raise ProxyError(int(refused[1])) from None
            raise ConnectError(_reason(error)) from error
        connection.sock = cast("socket", DeadlineSocket(connection.sock))
        self._open.add(connection)
        return connection

    def _new_connection(self) -> HTTPConnection:
        host, port = (self.proxy.host, self.proxy.port) if self.proxy else (self._host, self._port)
        timeout_s = self._connect_timeout_s
        connection = (
            HTTPSConnection(host, port, timeout=timeout_s, context=self._tls_context)
            if self._is_encrypted
            else HTTPConnection(host, port, timeout=timeout_s)
        )
        connection.response_class = StrictResponse
        if self.proxy and self._is_encrypted:
            authorization = self.proxy.authorization
            headers = {"Proxy-Authorization": authorization} if authorization else {}
            connection.set_tunnel(self._host, self._port or 443, headers)
        return connection

    @property
    def _is_forwarded(self) -> bool:
        """Whether the proxy reads the requests; it only tunnels encrypted requests."""
        return self.proxy is not None and not self._is_encrypted

    def _exchange(
        self,
        connection: HTTPConnection,
        method: str,
        target: str,
        headers: Sequence[HeaderBytes],
        body: bytes,
    ) -> HTTPResponse:
        if self._is_forwarded:
            target = f"http://{self._host}{f':{self._port}' if self._port else ''}{target}"
        connection.putrequest(method, target, skip_accept_encoding=True)
        connection.putheader("Accept", "*/*")
        connection.putheader("Accept-Encoding", "gzip, deflate")
        connection.putheader("Connection", "keep-alive")
        if self._is_forwarded and self.proxy and self.proxy.authorization:
            connection.putheader("Proxy-Authorization", self.proxy.authorization)
        for name, value in headers:
            connection.putheader(name, value)
        if body or method in {"POST", "PUT", "PATCH"}:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        _socket(connection).flush()
        return connection.getresponse()

    def _raise_if_proxy_refused(self, response: HTTPResponse) -> None:
        if self._is_forwarded and response.status == _PROXY_AUTHENTICATION_REQUIRED:
            raise ProxyError(response.status)


def create_tls_context() -> ssl.SSLContext:
    """Returns a TLS context with the environment's certificates, or else certifi's.

    Raises `OSError` if they cannot be read.
    """
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not (file or directory):
        import certifi

        file = certifi.where()
    context = ssl.create_default_context(cafile=file or None, capath=None if file else directory)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _tls_context_of_user() -> ssl.SSLContext:
    try:
        return create_tls_context()
    except OSError:
        raise BadInput(
            "cannot read the certificates that SSL_CERT_FILE or SSL_CERT_DIR names",
            hint="`qstash doctor` reports which; unset it, or name a file in PEM format",
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        # Without the number in front.
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _socket(connection: HTTPConnection) -> DeadlineSocket:
    return cast("DeadlineSocket", connection.sock)


def _close(connection: HTTPConnection) -> None:
    """Closes a connection, and wakes up a thread that waits for it."""
    with suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(SHUT_RDWR)
    connection.close()


def _was_closed(connection: HTTPConnection) -> bool:
    # Before a request is sent, the socket is readable only if the server closed the connection.
    with suppress(OSError, ValueError):
        return connection.sock is None or bool(select([connection.sock], [], [], 0)[0])
    return True


def _joined_headers(response: HTTPResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _read_body(response: HTTPResponse) -> tuple[bytes, bool]:
    """Returns the decoded body, and whether it is complete. Raises `ValueError` if invalid."""
    limit = body_limit_bytes(response.status)
    content, is_complete = read_up_to(iter(lambda: response.read(CHUNK_BYTES), b""), limit)
    if is_complete and response.length:
        raise IncompleteRead(content, response.length)
    encoding = (response.getheader("Content-Encoding") or "").strip().lower()
    if encoding in {"gzip", "deflate"} and content:
        content, is_decoded = _decoded(encoding, content, limit)
        is_complete = is_complete and is_decoded
    if not is_complete:
        raise_if_truncated(response.status)
    return content, is_complete


def _decoded(encoding: str, content: bytes, limit: int) -> tuple[bytes, bool]:
    import zlib

    # Some servers send raw deflate data in place of a zlib stream.
    for window_bits in (_GZIP_OR_ZLIB, -zlib.MAX_WBITS):
        decompressor = zlib.decompressobj(window_bits)
        try:
            decoded = decompressor.decompress(content, limit)
        except zlib.error:
            continue
        if decompressor.eof or decompressor.unconsumed_tail:
            return decoded, decompressor.eof
    raise ValueError(f"the response body is not valid {encoding}")

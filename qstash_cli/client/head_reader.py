"""Reads response heads strictly: `http.client` accepts some ambiguous ones.

Source: RFC 9112, sections 2.2, 5 and 6.3.
"""

from __future__ import annotations

from http.client import HTTPException, HTTPResponse, IncompleteRead
from io import BufferedReader
from typing import TYPE_CHECKING

from qstash_cli.errors import BadInput
from qstash_cli.protocol.headers import validate_header

if TYPE_CHECKING:
    from socket import socket

CHUNK_BYTES = 65_536
HEAD_LIMIT_BYTES = 1_048_576


class StrictResponse(HTTPResponse):
    """A response of a server, or of a proxy to CONNECT. Its head must be complete and limited."""

    def __init__(
        self, sock: socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = self._reader = _HeadReader(self.fp.detach(), CHUNK_BYTES)

    def begin(self) -> None:
        """Reads the head."""
        super().begin()
        self._reader.is_in_head = False


class _HeadReader(BufferedReader):
    """Raises `HTTPException` for a head that ends too early or never."""

    is_in_head = True
    _head_bytes = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(-1 if size is None else size)
        if self.is_in_head:
            if self._head_bytes and not line:
                raise IncompleteRead(b"")
            self._head_bytes += len(line)
            if self._head_bytes > HEAD_LIMIT_BYTES:
                raise HTTPException(f"the head is longer than {HEAD_LIMIT_BYTES >> 20} MiB")
        return line


def validate_head(response: HTTPResponse) -> None:
    """Raises `ValueError` for an ambiguous head."""
    if response.status < 200:
        raise ValueError(f"expected a final response, got {response.status}")
    try:
        for name, value in response.getheaders():
            validate_header(name, value)
    except BadInput:
        raise ValueError("a response header is malformed") from None
    if response.msg.defects:
        raise ValueError("a line of the response head is not a header")
    if len(set(response.msg.get_all("Content-Length", ()))) > 1:
        raise ValueError("the response has two values of Content-Length")

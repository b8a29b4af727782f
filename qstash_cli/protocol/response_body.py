"""Decodes the body of an HTTP response in bounded memory. Source: RFC 9110, section 8.4."""

from __future__ import annotations

import zlib
from typing import Protocol

# Every zlib stream starts with two header bytes. Source: RFC 1950, section 2.2.
_ZLIB_HEADER_BYTES = 2
# The factor by which an encoding may lengthen a body.
_OVERHEAD_BYTES = 65_536


class UndecodableBody(ValueError):
    """The content encoding is not supported, or the body is not valid in that encoding."""


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class BoundedBody:
    """Decodes the raw chunks of a body and keeps its first `limit_bytes` bytes.

    gzip and deflate are decoded; bodies in any other encoding are kept unchanged. Stacked encodings
    are refused: two layers can expand a millionfold, which costs time even if memory is bounded,
    and no server needs them.
    """

    def __init__(self, content_encoding: str, limit_bytes: int) -> None:
        self._codings = [
            name
            for name in (part.strip().lower() for part in content_encoding.split(","))
            if name not in {"", "identity"}
        ]
        self._room = limit_bytes
        self._raw_room = limit_bytes + _OVERHEAD_BYTES
        self._decoded = bytearray()
        self._undecided = b""
        self._decompressor: _Decompressor | None = None

    def feed(self, chunk: bytes) -> bool:
        """Adds a raw chunk. Returns whether more are needed. Raises `UndecodableBody`."""
        if chunk and self._room > 0:
            # A stream can decode to nothing indefinitely.
            self._raw_room -= len(chunk)
            decoded = self._decode(chunk)[: self._room]
            self._decoded += decoded
            self._room -= len(decoded)
        return self._room > 0 and self._raw_room > 0

    @property
    def value(self) -> bytes:
        """The decoded body so far."""
        return bytes(self._decoded)

    def _decode(self, chunk: bytes) -> bytes:
        if len(self._codings) > 1:
            raise UndecodableBody(f"stacked content encodings: {', '.join(self._codings)[:100]}")
        coding = self._codings[0] if self._codings else ""
        if coding not in {"gzip", "x-gzip", "deflate"}:
            return chunk
        if self._decompressor is None:
            self._undecided += chunk
            if len(self._undecided) < _ZLIB_HEADER_BYTES:
                return b""
            chunk = self._undecided
            self._decompressor = zlib.decompressobj(_window_bits(coding, chunk))
        try:
            # Data beyond the limit is not needed, so the undecoded rest of the chunk is dropped.
            return self._decompressor.decompress(chunk, self._room)
        except zlib.error as error:
            raise UndecodableBody(f"the response body is not valid {coding}: {error}") from None


def _window_bits(coding: str, start: bytes) -> int:
    if coding != "deflate":
        return 16 + zlib.MAX_WBITS
    # Some servers send raw deflate data in place of a zlib stream.
    is_zlib = start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start[:2]) % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS

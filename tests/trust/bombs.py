"""Responses designed to exhaust the memory or the time of the client."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

from tests.trust.raw_server import Connection, RawServer, raw_server

MEBIBYTE = 1_048_576
_BLOCK = bytes(MEBIBYTE)
_ENDLESS = 1_000_000


@cache
def compressed(window_bits: int, mebibytes: int = 128) -> bytes:
    """Returns compressed zeros: gzip with 31 window bits, zlib with 15, raw deflate with -15."""
    compressor = zlib.compressobj(wbits=window_bits)
    parts = [compressor.compress(_BLOCK) for _ in range(mebibytes)]
    return b"".join([*parts, compressor.flush()])


@cache
def compressed_again(times: int) -> bytes:
    """Returns a gzip bomb that is compressed `times` more times."""
    data = compressed(31)
    for _ in range(times):
        compressor = zlib.compressobj(wbits=31)
        data = compressor.compress(data) + compressor.flush()
    return data


@dataclass(frozen=True)
class Bomb:
    """What is sent after the status line. A refused bomb fails whatever its status code."""

    send: Callable[[Connection], None]
    is_refused: bool = False
    prepare: Callable[[], object] = bytes


def _body(encoding: str, body: Callable[[], bytes], *, is_refused: bool = False) -> Bomb:
    def send(connection: Connection) -> None:
        data = body()
        connection.say(
            f"Content-Encoding: {encoding}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        )
        connection.say(data)

    return Bomb(send, is_refused=is_refused, prepare=body)


def _endless(start: bytes, again: bytes, *, is_refused: bool = False) -> Bomb:
    def send(connection: Connection) -> None:
        connection.say(start)
        connection.pour(again, _ENDLESS)

    return Bomb(send, is_refused=is_refused)


# The header of a gzip stream, and deflate blocks without content.
_EMPTY_GZIP = b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08" + bytes(7)
_EMPTY_BLOCKS = b"\0\0\0\xff\xff" * 13_000
_CHUNK = b"10000\r\n" + bytes(65_536) + b"\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
BOMBS = {
    "gzip": _body("gzip", lambda: compressed(31)),
    "deflate": _body("deflate", lambda: compressed(15)),
    "raw-deflate": _body("deflate", lambda: compressed(-15)),
    "gzip-of-gzip": _body("gzip, gzip", lambda: compressed_again(1), is_refused=True),
    "three-times-gzip": _body("gzip,gzip,gzip", lambda: compressed_again(2), is_refused=True),
    "deflate-of-gzip": _body("gzip, deflate", lambda: compressed_again(1), is_refused=True),
    "gzip-declared-once": _body("gzip", lambda: compressed_again(1)),
    "not-gzip": _body("gzip", lambda: b"no" * 1000, is_refused=True),
    "endless-chunks": _endless(_CHUNKED + b"\r\n", _CHUNK),
    "endless-empty-gzip": _endless(_EMPTY_GZIP, _EMPTY_BLOCKS),
    "endless-body": _endless(b"\r\n", bytes(65_536)),
    "huge-length": _endless(b"Content-Length: 1000000000000000\r\n\r\n", bytes(65_536)),
    "endless-headers": _endless(b"", b"X: y\r\n" * 1000, is_refused=True),
    "endless-header": _endless(b"X: ", b"y" * 65_536, is_refused=True),
    "endless-chunk-size": _endless(_CHUNKED + b"\r\n", b"0" * 65_536, is_refused=True),
    "endless-trailers": _endless(_CHUNKED + b"\r\n0\r\n", b"X: y\r\n" * 1000, is_refused=True),
}  # fmt: skip


@contextmanager
def bomb_server() -> Iterator[RawServer]:
    """A server that responds to `/STATUS/NAME` with this status code and this bomb."""

    def script(connection: Connection) -> None:
        path = connection.request.split(b" ", 2)[1].decode()
        status, name = path.split("?")[0].strip("/").split("/")[:2]
        with suppress(OSError):
            connection.say(f"HTTP/1.1 {status} Boom\r\n".encode())
            BOMBS[name].send(connection)
        connection.half_close()

    with raw_server(script) as server:
        yield server

"""Reads the bodies of requests in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request

from qstash_cli.server.errors import ApiError

# A batch is one request with many bodies. Source: QStash changelog, December 2024.
LIMIT_BYTES = 100 * 1_048_576
# The limit of all bodies that are being read.
_MEMORY_BYTES = 512 * 1_048_576


class BodyMemory:
    """The free memory for bodies that are being read."""

    def __init__(self, limit_bytes: int) -> None:
        self.free_bytes = limit_bytes

    @contextmanager
    def lease(self) -> Iterator[Callable[[int], None]]:
        """Yields a function that reserves bytes until the end of the block.

        It raises `ApiError` with status 503 if they are not free.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self.free_bytes:
                raise ApiError(
                    503, "too many concurrent request bodies", headers=(("Retry-After", "1"),)
                )
            self.free_bytes -= size
            taken += size

        try:
            yield take
        finally:
            self.free_bytes += taken


_MEMORY = BodyMemory(_MEMORY_BYTES)


async def read_body(request: Request, memory: BodyMemory = _MEMORY) -> bytes:
    """Returns the body of a request.

    Raises `ApiError` with status 413 if it exceeds the limit (before reading, if the request has a
    Content-Length), and with 503 if there is no memory for it. Raises Starlette's
    `ClientDisconnect` if the client closes the connection.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > LIMIT_BYTES:
        raise _too_large()
    received = bytearray()
    with memory.lease() as take:
        async for chunk in request.stream():
            take(len(chunk))
            received += chunk
            if len(received) > LIMIT_BYTES:
                raise _too_large()
        return bytes(received)


def _too_large() -> ApiError:
    return ApiError(413, f"the request is larger than {LIMIT_BYTES} bytes")

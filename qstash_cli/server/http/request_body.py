"""Reading the bodies of requests in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request

from qstash_cli.server.errors import ApiError

# A batch is one request with many bodies. Source: QStash changelog, December 2024.
LIMIT_BYTES = 100 * 1_048_576
# Of all bodies that are read at a time.
_MEMORY_BYTES = 512 * 1_048_576


class BodyMemory:
    """What is left of the memory for bodies that have not arrived completely."""

    def __init__(self, limit_bytes: int) -> None:
        self.free_bytes = limit_bytes

    @contextmanager
    def lease(self) -> Iterator[Callable[[int], None]]:
        """A function that takes bytes of the memory until the end of the block.

        It raises `ApiError` with status 503 when there are none.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self.free_bytes:
                raise ApiError(
                    503, "too many request bodies at a time", headers=(("Retry-After", "1"),)
                )
            self.free_bytes -= size
            taken += size

        try:
            yield take
        finally:
            self.free_bytes += taken


_MEMORY = BodyMemory(_MEMORY_BYTES)


async def read_body(request: Request, memory: BodyMemory = _MEMORY) -> bytes:
    """The body of a request.

    Raises `ApiError` with status 413 if it is larger than the limit, before any of it is read if
    the request says so, and with 503 if there is no memory for it; Starlette's `ClientDisconnect`
    if the client goes away.
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

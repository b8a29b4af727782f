"""Reading the body of a request, up to a limit."""

from __future__ import annotations

from starlette.requests import Request

from qstash_cli.server.answers import ApiError

# A batch is one request with many bodies. Source: QStash changelog, December 2024.
LIMIT_BYTES = 100 * 1_048_576


async def read_body(request: Request) -> bytes:
    """The body of a request.

    Raises `ApiError` with status 413 if it is larger than the limit, before any of it is read if
    the request says so, and Starlette's `ClientDisconnect` if the client goes away.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > LIMIT_BYTES:
        raise _too_large()
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > LIMIT_BYTES:
            raise _too_large()
    return bytes(received)


def _too_large() -> ApiError:
    return ApiError(413, f"the request is larger than {LIMIT_BYTES} bytes")

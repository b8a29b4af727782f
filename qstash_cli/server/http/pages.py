"""The JSON of lists, which is encoded in pieces: a body may have 50 MB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, TypeVar

from starlette.responses import Response, StreamingResponse

from qstash_cli.server.http.responses import encode

T = TypeVar("T")
# A longer list is streamed.
STREAM_FROM_BYTES = 4 * 1_048_576
# Encoding this much at a time takes about a millisecond.
_PIECE_BYTES = 128 * 1024


async def encoded(values: Iterable[T], as_json: Callable[[T], dict[str, Any]]) -> bytes:
    """Returns values as a JSON array. Other requests are served between its pieces."""
    parts: list[bytes] = []
    pending = 0
    for value in values:
        parts.append(encode(as_json(value)))
        pending += len(parts[-1])
        if pending > _PIECE_BYTES:
            pending = 0
            await asyncio.sleep(0)
    return b"[" + b",".join(parts) + b"]"


def json_object(fields: Iterable[tuple[str, bytes]]) -> Response:
    """Returns the response with an object of encoded fields."""
    body = b",".join(encode(name) + b":" + value for name, value in fields)
    return Response(b"{" + body + b"}", media_type="application/json")


async def json_array(items: AsyncIterator[Any]) -> Response:
    """Returns the response with an array, for lists without pages. A long one is streamed."""
    parts: list[bytes] = []
    size = 0
    async for item in items:
        parts.append(encode(item))
        size += len(parts[-1])
        if size > STREAM_FROM_BYTES:
            return StreamingResponse(_pieces(parts, items), media_type="application/json")
    return Response(b"[" + b",".join(parts) + b"]", media_type="application/json")


async def _pieces(first: Sequence[bytes], others: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    yield b"[" + b",".join(first)
    async for item in others:
        yield b"," + encode(item)
    yield b"]"

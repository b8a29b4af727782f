"""Request bodies are read in bounded memory, which is always released."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.request_body import LIMIT_BYTES, BodyMemory, read_body

MEMORY_BYTES = 1000


def sending(*chunks: bytes, ends: bool = True, **headers: str) -> Request:
    """A request whose body arrives in these chunks; without an end, the connection is closed."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    end: Message = {"type": "http.request", "body": b"", "more_body": False}
    messages.append(end if ends else {"type": "http.disconnect"})
    arriving = iter(messages)

    async def receive() -> Message:
        await asyncio.sleep(0)
        return next(arriving)

    names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": names}, receive)


def test_concurrent_bodies_share_the_memory() -> None:
    memory = BodyMemory(MEMORY_BYTES)

    async def together() -> list[bytes | BaseException]:
        bodies = [read_body(sending(b"x" * 200, b"x" * 200), memory) for _ in range(3)]
        return await asyncio.gather(*bodies, return_exceptions=True)

    found = asyncio.run(together())

    refused = [one for one in found if isinstance(one, ApiError)]
    assert [one for one in found if isinstance(one, bytes)] == [b"x" * 400] * 2
    assert [(one.status, dict(one.headers)) for one in refused] == [(503, {"Retry-After": "1"})]
    assert memory.free_bytes == MEMORY_BYTES


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (sending(b"x" * 200, ends=False), ClientDisconnect),
        (sending(b"x" * 200, b"x" * 900), ApiError),
        (sending(b"x", content_length=str(LIMIT_BYTES + 1)), ApiError),
    ],
)
def test_an_incomplete_body_releases_its_memory(request_: Request, error: type[Exception]) -> None:
    memory = BodyMemory(MEMORY_BYTES)

    with pytest.raises(error):
        asyncio.run(read_body(request_, memory))

    assert memory.free_bytes == MEMORY_BYTES

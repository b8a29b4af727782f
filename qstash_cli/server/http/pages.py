"""Pages of lists: how many rows fit, and their JSON, made in pieces.

Bodies may be 50 MB each. A page that is long in bytes ends before it has as many entries as were
asked for, with a cursor; only a single entry may be longer than that.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from qstash_cli.server.http.responses import encode

PAGE_BYTES = 4 * 1_048_576
# What is encoded in one go: it takes about a millisecond.
_PIECE_BYTES = 128 * 1024


def fitting(
    rows: Iterable[sqlite3.Row], count: int, columns: Sequence[str], limit: int = PAGE_BYTES
) -> tuple[list[sqlite3.Row], bool]:
    """The first rows, and whether there are more: at most `count`, with at most `limit` bytes.

    The bytes are those of the columns. The first row is always among them.
    """
    taken: list[sqlite3.Row] = []
    total = 0
    for row in rows:
        total += size_of([row], columns)
        if len(taken) == count or (taken and total > limit):
            return taken, True
        taken.append(row)
    return taken, False


def size_of(rows: Iterable[sqlite3.Row], columns: Sequence[str]) -> int:
    """The bytes in these columns of rows."""
    values = (row[column] for row in rows for column in columns)
    # SQLite enforces no types: a damaged row may have numbers where texts belong.
    return sum(len(value) for value in values if isinstance(value, str | bytes))


async def encoded(
    rows: Iterable[sqlite3.Row], entry: Callable[[sqlite3.Row], dict[str, Any]]
) -> bytes:
    """The entries of rows as a JSON array. Other requests are answered in between."""
    parts: list[bytes] = []
    pending = 0
    for row in rows:
        parts.append(encode(entry(row)))
        pending += len(parts[-1])
        if pending > _PIECE_BYTES:
            pending = 0
            await asyncio.sleep(0)
    return b"[" + b",".join(parts) + b"]"


def json_object(fields: Iterable[tuple[str, bytes]]) -> Response:
    """An object of fields that are encoded already."""
    body = b",".join(encode(name) + b":" + value for name, value in fields)
    return Response(b"{" + body + b"}", media_type="application/json")


async def json_array(items: AsyncIterator[Any]) -> Response:
    """An array of items, for lists without pages: a long one is sent while it is made."""
    parts: list[bytes] = []
    size = 0
    async for item in items:
        parts.append(encode(item))
        size += len(parts[-1])
        if size > PAGE_BYTES:
            return StreamingResponse(_pieces(parts, items), media_type="application/json")
    return Response(b"[" + b",".join(parts) + b"]", media_type="application/json")


async def _pieces(first: Sequence[bytes], others: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    yield b"[" + b",".join(first)
    async for item in others:
        yield b"," + encode(item)
    yield b"]"

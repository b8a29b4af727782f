"""Concurrent requests: their limit, and what happens if one fails."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from qstash_cli.batch.chunks import Chunk
from qstash_cli.batch.items import Record
from qstash_cli.batch.lines import Lines, Row
from qstash_cli.batch.sender import BatchTransport, ChunkResult, send
from qstash_cli.client.retry import RetryPolicy
from qstash_cli.errors import BadCredentials, BadInput
from tests.polling import poll


def chunk(line: int) -> Chunk:
    row = Row(line, line, line, b"")
    return Chunk(lines=[Lines(line, line, b"\n")], good=[Record(row, line, b"%d" % line)])


def transport(post: Callable[[int], Any], *, max_concurrency: int = 4) -> BatchTransport:
    return BatchTransport(
        post=lambda body, _retry: [{"messageId": f"{post(json.loads(body)[0])}"}],
        stopped=lambda: False,
        max_concurrency=max_concurrency,
        request_timeout_s=60,
    )


def items_by_line(found: list[ChunkResult]) -> dict[int, Any]:
    return {
        one.chunk.lines[0].first: int(one.acknowledgements.items[0]["messageId"]) for one in found
    }


def before(failure: type[Exception], sent: Iterator[ChunkResult]) -> list[ChunkResult]:
    """Returns the results before the failure."""
    found: deque[ChunkResult] = deque()
    with pytest.raises(failure):
        found.extend(sent)
    return list(found)


def test_concurrency_is_limited_and_every_chunk_has_a_result() -> None:
    at_once = peak = 0
    lock, all_there = threading.Lock(), threading.Barrier(3)

    def post(line: int) -> int:
        nonlocal at_once, peak
        with lock:
            at_once += 1
            peak = max(peak, at_once)
        if line <= 3:
            all_there.wait(60)
        with lock:
            at_once -= 1
        return 10 * line

    found = list(send([chunk(line) for line in range(1, 31)], transport(post, max_concurrency=3)))

    assert items_by_line(found) == {line: 10 * line for line in range(1, 31)}
    assert peak == 3


def test_after_a_failed_request_pending_ones_are_awaited_and_none_is_started() -> None:
    begun = []

    def post(body: bytes, retry: RetryPolicy) -> list[dict[str, str]]:
        line = json.loads(body)[0]
        begun.append(line)
        if line == 2:
            raise BadCredentials("no", status=401)
        # True once the failure is known: this request is pending at that time.
        poll(retry.is_cancelled)
        return [{"messageId": f"{line}"}]

    chunks = (chunk(line) for line in range(1, 100))
    pair = replace(transport(lambda line: line, max_concurrency=2), post=post)
    found = before(BadCredentials, send(chunks, pair))

    assert items_by_line(found) == {1: 1}
    assert sorted(begun) == [1, 2]


def test_after_a_failed_input_pending_requests_are_awaited() -> None:
    def chunks() -> Iterator[Chunk]:
        yield chunk(1)
        raise BadInput("the input cannot be read")

    found = before(BadInput, send(chunks(), transport(lambda line: line)))

    assert items_by_line(found) == {1: 1}


def test_unexpected_exceptions_are_raised_unchanged() -> None:
    def post(_line: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(send([chunk(1)], transport(post)))

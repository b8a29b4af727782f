"""Several requests in flight: how many, and what becomes of them when one fails."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qstash_cli.batch.chunks import Chunk
from qstash_cli.batch.items import Record
from qstash_cli.batch.lines import Lines, Row
from qstash_cli.batch.sender import Answered, Wire, send
from qstash_cli.errors import BadCredentials, BadInput


def chunk(line: int) -> Chunk:
    row = Row(line, line, line, b"")
    return Chunk(lines=[Lines(line, line, b"\n")], good=[Record(row, line, b"%d" % line)])


def wire(post: Callable[[int], Any], *, in_flight: int = 4) -> Wire:
    return Wire(
        post=lambda body, _retry: [{"messageId": f"{post(json.loads(body)[0])}"}],
        stopped=lambda: False,
        in_flight=in_flight,
        request_timeout_s=60,
    )


def answers(found: list[Answered]) -> dict[int, Any]:
    return {
        one.chunk.lines[0].first: int(one.acknowledgements.items[0]["messageId"]) for one in found
    }


def before(failure: type[Exception], sent: Iterator[Answered]) -> list[Answered]:
    """What came before the failure."""
    found: deque[Answered] = deque()
    with pytest.raises(failure):
        found.extend(sent)
    return list(found)


def test_no_more_are_in_flight_than_was_said_and_all_are_answered() -> None:
    at_once = most = 0
    lock, all_there = threading.Lock(), threading.Barrier(3)

    def post(line: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        if line <= 3:
            all_there.wait(10)
        with lock:
            at_once -= 1
        return 10 * line

    found = list(send([chunk(line) for line in range(1, 31)], wire(post, in_flight=3)))

    assert answers(found) == {line: 10 * line for line in range(1, 31)}
    assert most == 3


def test_what_is_in_flight_is_awaited_when_a_request_fails_and_nothing_more_is_begun() -> None:
    has_failed, begun = threading.Event(), []

    def post(line: int) -> int:
        begun.append(line)
        if line == 2:
            has_failed.set()
            raise BadCredentials("no", status=401)
        assert has_failed.wait(10)
        return line

    chunks = (chunk(line) for line in range(1, 100))
    found = before(BadCredentials, send(chunks, wire(post, in_flight=2)))

    assert answers(found)[1] == 1
    assert len(begun) < 10


def test_what_is_in_flight_is_awaited_when_the_input_fails() -> None:
    def chunks() -> Iterator[Chunk]:
        yield chunk(1)
        raise BadInput("the input cannot be read")

    found = before(BadInput, send(chunks(), wire(lambda line: line)))

    assert answers(found) == {1: 1}


def test_a_defect_is_raised_as_it_is() -> None:
    def post(_line: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(send([chunk(1)], wire(post)))

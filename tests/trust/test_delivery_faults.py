"""Every attempt counts, however it ends: no message is retried forever, and none is lost."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from qstash_cli.server.clock import ScaledClock
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.delivery.http_attempt import Deliverer
from qstash_cli.server.services import publishing
from qstash_cli.server.services.publish_rules import PublishRequest
from qstash_cli.server.storage import keys
from qstash_cli.server.storage.store import Store
from tests.figures import Figures

CLASS = "delivery faults"
PROMPTLY_S = 60

FAULTS: list[Exception] = [
    RuntimeError(), KeyError("x"), AttributeError("None has no attribute"), MemoryError(),
    RecursionError("too deep"), AssertionError(), IndexError(), OverflowError("too large"),
    ExceptionGroup("several", [ValueError("one"), OSError("two")]), zlib.error("bad"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), ssl.SSLError("bad"), TimeoutError(),
    httpx2.ReadError("cut"), httpx2.RemoteProtocolError("bad"), OSError(24, "too many open files"),
    EOFError(), BufferError(), StopAsyncIteration(), Exception("\ud800\x00\n" * 5000),
    asyncio.InvalidStateError(), asyncio.IncompleteReadError(b"", 1), NotImplementedError(),
]  # fmt: skip


@dataclass(frozen=True)
class Step:
    """What a destination does to one attempt: a response, and where a fault comes, if any."""

    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    fault: Exception | None = None
    stage: str = ""

    @property
    def is_success(self) -> bool:
        return self.fault is None and 200 <= self.status < 300


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, step: Step) -> None:
        self._step = step

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._step.body
        if self._step.fault is not None and self._step.stage == "body":
            raise self._step.fault

    async def aclose(self) -> None:
        if self._step.fault is not None and self._step.stage == "close":
            raise self._step.fault


class Destination(httpx2.AsyncBaseTransport):
    """The network of a deliverer: responds with the steps of each path, in order."""

    def __init__(self, steps: Iterable[tuple[Step, ...]]) -> None:
        self._steps = {f"/{number}": iter(one) for number, one in enumerate(steps)}
        self.attempts: dict[str, int] = dict.fromkeys(self._steps, 0)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.extensions["target"].decode()
        self.attempts[path] += 1
        step = next(self._steps[path], Step())
        if step.fault is not None and step.stage == "request":
            raise step.fault
        return httpx2.Response(step.status, headers=list(step.headers), stream=_Stream(step))


RETRIES = 2
_NAMES = st.sampled_from([
    b"Retry-After", b"Content-Encoding", b"Upstash-NonRetryable-Error", b"Content-Type", b"X-\xff",
])  # fmt: skip
_VALUES = st.one_of(
    st.sampled_from([b"gzip", b"gzip, gzip", b"deflate", b"true", b"0", b"-1", b"1e999", b"\xff"]),
    st.binary(max_size=20),
)
_RESPONSES = st.builds(
    Step,
    status=st.integers(100, 999),
    headers=st.lists(st.tuples(_NAMES, _VALUES), max_size=3).map(tuple),
    body=st.binary(max_size=50),
)
_FAULTY = st.builds(
    Step,
    status=st.sampled_from([200, 500]),
    body=st.binary(max_size=5),
    fault=st.sampled_from(FAULTS),
    stage=st.sampled_from(["request", "body", "close"]),
)
_ATTEMPTS = st.tuples(*[st.one_of(_RESPONSES, _FAULTY, _FAULTY)] * (RETRIES + 1))


@dataclass(frozen=True)
class Outcome:
    """How a message ended: its attempts, the steps of its log, and its entries in the DLQ."""

    attempts: int
    states: list[str]
    dlq_entries: int

    def is_allowed(self, steps: tuple[Step, ...]) -> bool:
        """Delivered by the first success, or failed with all attempts and in the DLQ, once."""
        wanted = [number for number, step in enumerate(steps, 1) if step.is_success]
        is_final = any(step.status == 489 for step in steps)
        if self.states[-1] == "DELIVERED":
            return self.dlq_entries == 0 and self.attempts <= RETRIES + 1
        errors = self.states.count("ERROR")
        return (
            self.states[-1] == "FAILED"
            and self.dlq_entries == 1
            and errors == self.attempts
            and (self.attempts == RETRIES + 1 or is_final)
            and (not wanted or any(step.headers for step in steps))
        )


async def outcomes(steps: list[tuple[Step, ...]]) -> list[Outcome]:
    """Publishes a message for each of the steps, and waits until all have ended."""
    store = Store(None)
    # Retry-After may be as long as a day.
    clock = ScaledClock(speed=1_000_000)
    network = Destination(steps)
    numbers = itertools.count()

    def new_id(prefix: str) -> str:
        return f"{prefix}_{next(numbers)}"

    def publish(connection: sqlite3.Connection) -> list[str]:
        headers = (("Upstash-Retries", str(RETRIES)), ("Upstash-Retry-Delay", "1"))
        request = PublishRequest(
            destination="", headers=headers, body=b"x", now_ms=clock.now_ms(), caller_ip="::1"
        )
        result = [
            publishing.store_publish(
                connection, request._replace(destination=f"http://h{path}"), new_id
            )
            for path in network.attempts
        ]
        for one in result:
            engine.add(one.messages)
        return [one.content["messageId"] for one in result]

    deliverer = Deliverer((), network)
    engine = Engine(store, clock, deliverer, new_id, max_concurrency=10)
    await store.run(lambda connection: keys.init(connection, "sig_current", "sig_next"))
    await engine.start()
    ids = await store.run(publish)
    async with asyncio.timeout(PROMPTLY_S):
        while await store.run(_live):  # noqa: ASYNC110 - there is no event for the end of a message
            await asyncio.sleep(0.001)
    found = await store.run(
        lambda connection: [
            Outcome(network.attempts[path], *_ending(connection, message_id))
            for path, message_id in zip(network.attempts, ids, strict=True)
        ]
    )
    await engine.stop()
    await deliverer.close()
    store.close()
    return found


def _live(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM messages WHERE status = 'live'").fetchone()
    return int(count)


def _ending(connection: sqlite3.Connection, message_id: str) -> tuple[list[str], int]:
    states = connection.execute(
        "SELECT state FROM logs WHERE message_id = ? ORDER BY seq", (message_id,)
    ).fetchall()
    (entries,) = connection.execute(
        "SELECT count(*) FROM dlq WHERE message_id = ?", (message_id,)
    ).fetchone()
    return [state for (state,) in states], entries


@settings(
    max_examples=150, deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(_ATTEMPTS, min_size=1, max_size=6))
def test_every_message_ends_delivered_or_in_the_dlq_after_its_attempts(
    figures: Figures, steps: list[tuple[Step, ...]]
) -> None:
    found = asyncio.run(outcomes(steps))

    wrong = [(o, s) for o, s in zip(found, steps, strict=True) if not o.is_allowed(s)]
    figures(CLASS, cases=len(steps), failures=len(wrong))
    assert wrong == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("stage", ["request", "body", "close"])
def test_a_fault_of_any_kind_uses_up_the_retries(
    figures: Figures, fault: Exception, stage: str
) -> None:
    step = Step(fault=fault, stage=stage)

    (found,) = asyncio.run(outcomes([(step,) * (RETRIES + 1)]))

    is_right = (found.attempts, found.states[-1], found.dlq_entries) == (RETRIES + 1, "FAILED", 1)
    figures(CLASS, cases=1, failures=int(not is_right))
    assert is_right, found

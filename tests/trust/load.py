"""A steady stream of publishes, and a destination that can keep up."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from qstash_cli.protocol.dev_credentials import DEV_USER

_CONNECTIONS = 48
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"\r\nupstash-message-id: *(\S+)", re.IGNORECASE)
_ID = re.compile(rb'"messageId":"(\w+)"')
_ANSWERS = {
    True: b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",
    False: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
}
_BODY = b'{"order":1234567,"items":["a","b","c"]}'
# One message in twenty is sent to a failing destination.
_KINDS = (
    ["fail"] + ["plain"] * 9 + [f"queue{n}" for n in range(5)] + [f"flow{n}" for n in range(5)]
)  # fmt: skip


@dataclass
class Load:
    """The accepted messages, the latencies in ms, and the delivered messages."""

    accepted: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    accept_ms: list[float] = field(default_factory=list)
    arrived: set[str] = field(default_factory=set)
    ticks: int = 0
    open_ones: list[asyncio.Transport] = field(default_factory=list)

    def slowest_ms(self, share: float) -> float:
        """Returns the latency within which this share of publishes was accepted."""
        ordered = sorted(self.accept_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Destination(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._load.open_ones.append(transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while _HEAD_END in self._received:
            head, _, rest = self._received.partition(_HEAD_END)
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(rest) < length:
                return
            self._received = rest[length:]
            path = head.split(b" ", 2)[1]
            if (message := _MESSAGE_ID.search(head)) is not None:
                self._load.arrived.add(message[1].decode())
            self._load.ticks += path == b"/tick"
            if self._transport is not None:
                self._transport.write(_ANSWERS[path == b"/fail"])


def _request(kind: str, destination: str) -> bytes:
    lines = [
        f"POST /v2/publish/{destination}/{'fail' if kind == 'fail' else 'x'} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {DEV_USER.token}",
        f"Content-Length: {len(_BODY)}",
        "Upstash-Retries: 1",
        "Upstash-Retry-Delay: 6000",
    ]
    if kind.startswith("queue"):
        lines.append(f"Upstash-Queue-Name: {kind}")
    if kind.startswith("flow"):
        lines += [f"Upstash-Flow-Control-Key: {kind}"]
        lines += ["Upstash-Flow-Control-Value: parallelism=10, rate=60000, period=1m"]
    return "\r\n".join([*lines, "", ""]).encode() + _BODY


class _Publisher:
    def __init__(self, load: Load, url: str, destination: str) -> None:
        self._load = load
        self._address = urlsplit(url)
        self._requests = [(kind, _request(kind, destination)) for kind in _KINDS]
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )

    async def open(self) -> None:
        for _ in range(_CONNECTIONS):
            self._free.put_nowait(
                await asyncio.open_connection(self._address.hostname, self._address.port)
            )

    def close(self) -> None:
        while not self._free.empty():
            self._free.get_nowait()[1].close()

    async def publish(self, number: int) -> None:
        kind, request = self._requests[number % len(self._requests)]
        reader, writer = await self._free.get()
        began_at = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(_HEAD_END)
        found = _LENGTH.search(head)
        body = await reader.readexactly(int(found[1]) if found else 0)
        self._load.accept_ms.append((time.perf_counter() - began_at) * 1000)
        self._free.put_nowait((reader, writer))
        message = _ID.search(body)
        if message is None:
            self._load.refused += 1
        else:
            self._load.accepted[message[1].decode()] = kind


async def _stream(publisher: _Publisher, per_s: int, seconds: float) -> None:
    pending: set[asyncio.Task[None]] = set()
    started_at = time.perf_counter()
    for number in itertools.count():
        due_s = number / per_s - (time.perf_counter() - started_at)
        if number >= per_s * seconds:
            break
        if due_s > 0:
            await asyncio.sleep(due_s)
        task = asyncio.create_task(publisher.publish(number))
        pending.add(task)
        task.add_done_callback(pending.discard)
    await asyncio.gather(*pending)


async def _until(is_done: Callable[[], bool]) -> None:
    for _ in itertools.count():
        if await asyncio.to_thread(is_done):
            return
        # Polling a real process, whose clock cannot be passed in.
        await asyncio.sleep(0.2)


async def run(
    url: str,
    *,
    per_s: int,
    seconds: float,
    begin: Callable[[str], None],
    is_done: Callable[[Load], bool],
    within_s: float,
) -> Load:
    """Publishes at this rate, then waits until `is_done` or a timeout.

    `begin` is called with the URL of the destination before the first publish.
    """
    load = Load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Destination(load), "127.0.0.1", 0, backlog=512)
    destination = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    publisher = _Publisher(load, url, destination)
    async with server:
        await asyncio.to_thread(begin, destination)
        await publisher.open()
        await _stream(publisher, per_s, seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await _until(lambda: is_done(load))
        publisher.close()
        for transport in load.open_ones:
            transport.abort()
    return load

"""A fast fake of QStash that accepts every publish and batch and counts them.

Runs as a separate process and prints its URLs, one for each port; the argument is the number of
ports (default 1). `GET /tally` returns the number of requests to all ports since the last call, the
seconds between the first and the last of them, and the number of records, and resets the counters.
`GET /tally/so-far` returns the same without a reset.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from functools import lru_cache

_ITEM = b'"destination"'
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@lru_cache
def _response(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


_ID = "msg_26hZCxZCuWyyTWPmSVBrNC1RADwpgWxPcak2rQD"
_PUBLISHED = _response(b"201 Created", b'{"messageId":"%s"}' % _ID.encode())
_REFUSED = _response(b"489 Refused", b"no").replace(
    b"\r\n\r\n", b"\r\nUpstash-NonRetryable-Error: true\r\n\r\n", 1
)


@lru_cache
def _batched(items: int) -> bytes:
    responses = [{"messageId": f"{_ID}{number:07}"} for number in range(items)]
    return _response(b"200 OK", json.dumps(responses, separators=(",", ":")).encode())


@dataclass
class Tally:
    """The requests since the last report."""

    requests: int = 0
    records: int = 0
    first_at: float = 0.0
    last_at: float = 0.0

    def count(self) -> None:
        """Counts a request."""
        self.last_at = time.perf_counter()
        if not self.requests:
            self.first_at = self.last_at
        self.requests += 1

    def report(self, *, anew: bool) -> bytes:
        """Returns the counts as JSON, and resets them on request."""
        took_s = self.last_at - self.first_at
        tally = {"requests": self.requests, "records": self.records, "took_s": took_s}
        if anew:
            self.requests = self.records = 0
        return _response(b"200 OK", json.dumps(tally).encode())


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._received = bytearray()
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport for the responses."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Responds to each complete request."""
        self._received += data
        while len(self._received) >= max(self._wanted, 1):
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._received[:end])
            self._wanted = end + 4 + _length(head)
            if len(self._received) < self._wanted:
                return
            body = bytes(self._received[end + 4 : self._wanted])
            del self._received[: self._wanted]
            self._wanted = 0
            self._transport.write(self._response(head, body))

    def _response(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"GET /tally"):
            return self._tally.report(anew=b"/tally/so-far " not in head)
        self._tally.count()
        if head.startswith(b"POST /v2/publish"):
            return _PUBLISHED
        if head.startswith(b"POST /v2/batch"):
            items = body.count(_ITEM)
            self._tally.records += items
            return _batched(items)
        return _REFUSED if head.startswith(b"POST /refuse") else _OK


def _length(head: bytes) -> int:
    before, found, after = head.lower().partition(b"content-length:")
    return int(after.partition(b"\r\n")[0]) if found and before else 0


async def _serve(ports: int) -> None:
    tally, loop = Tally(), asyncio.get_running_loop()
    servers = [await loop.create_server(lambda: Sink(tally), "127.0.0.1", 0) for _ in range(ports)]
    urls = [f"http://127.0.0.1:{one.sockets[0].getsockname()[1]}" for one in servers]
    sys.stdout.write(f"{' '.join(urls)}\n")
    sys.stdout.flush()
    await asyncio.gather(*(one.serve_forever() for one in servers))


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 1))

"""A response is sent in one piece, and no data is lost or held back."""

from __future__ import annotations

import asyncio
import socket

from qstash_cli.server.http.joined_writes import JoinedWrites
from qstash_cli.server.http.local_endpoint import running_endpoint


class _Recorder(asyncio.Transport):
    """A transport that records writes."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.events.append(bytes(data))

    def close(self) -> None:
        self.events.append(b"<close>")

    def abort(self) -> None:
        self.events.append(b"<abort>")

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.events))


async def _joined() -> tuple[JoinedWrites, list[bytes]]:
    recorder = _Recorder()
    return JoinedWrites(recorder, asyncio.get_running_loop()), recorder.events


def test_head_and_body_of_a_response_are_sent_in_one_piece() -> None:
    with (
        running_endpoint(lambda _received: (200, b"hello")) as endpoint,
        socket.create_connection(("127.0.0.1", int(endpoint.url.rpartition(":")[2]))) as client,
    ):
        for _ in range(3):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            response = client.recv(65_536)
            assert response.startswith(b"HTTP/1.1 200 OK\r\n")
            assert response.endswith(b"\r\n\r\nhello")


def test_writes_of_one_step_are_joined_in_order() -> None:
    async def scenario() -> None:
        transport, events = await _joined()
        transport.writelines([b"a", b"", b"b"])
        transport.write(b"c")
        assert events == []

        await asyncio.sleep(0)
        transport.write(b"d")
        await asyncio.sleep(0)

        assert events == [b"abc", b"d"]

    asyncio.run(scenario())


def test_large_data_is_sent_before_the_step_ends() -> None:
    async def scenario() -> None:
        transport, events = await _joined()
        for _ in range(100):
            transport.write(b"x" * 10_000)

        assert 1_000_000 - sum(map(len, events)) < 100_000

    asyncio.run(scenario())


def test_closing_sends_written_data_and_aborting_does_not() -> None:
    async def scenario() -> None:
        closed, events = await _joined()
        closed.write(b"response")
        closed.close()
        assert events == [b"response", b"<close>"]

        aborted, events = await _joined()
        aborted.write(b"response")
        aborted.abort()
        await asyncio.sleep(0)
        assert events == [b"<abort>"]

    asyncio.run(scenario())


def test_the_buffer_size_is_the_data_that_the_system_has_not_accepted() -> None:
    async def scenario() -> None:
        transport, events = await _joined()
        transport.write(b"four")

        assert transport.get_write_buffer_size() == 4
        assert events == [b"four"]

    asyncio.run(scenario())

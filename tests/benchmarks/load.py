"""Posts one request repeatedly through several connections, in its own process.

`load.py HOST PORT CONNECTIONS TIMES FILE` sends the bytes of FILE repeatedly and prints the
requests per second. It does not encode requests, and reads only the length of a response, so it
takes a tenth of the servers' time.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from pathlib import Path


def _connections(host: str, port: int, number: int) -> selectors.BaseSelector:
    selector = selectors.DefaultSelector()
    for _ in range(number):
        connection = socket.create_connection((host, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
    return selector


def _read_response(connection: socket.socket) -> None:
    response = connection.recv(65_536)
    while not _is_whole(response):
        more = connection.recv(65_536)
        if not more:
            raise RuntimeError(f"the response is cut off: {response[:300]!r}")
        response += more
    if not response.startswith(b"HTTP/1.1 20"):
        raise RuntimeError(f"refused: {response[:300]!r}")


def _is_whole(response: bytes) -> bool:
    head, separator, body = response.partition(b"\r\n\r\n")
    _, found, value = head.lower().partition(b"content-length:")
    return bool(separator and found) and len(body) >= int(value.partition(b"\r\n")[0])


def _post(selector: selectors.BaseSelector, request: bytes, times: int) -> None:
    unsent, received = times, 0
    for key in list(selector.get_map().values())[:times]:
        _socket_of(key).sendall(request)
        unsent -= 1
    while received < times:
        for key, _ in selector.select():
            connection = _socket_of(key)
            _read_response(connection)
            received += 1
            if unsent:
                connection.sendall(request)
                unsent -= 1


def _socket_of(key: selectors.SelectorKey) -> socket.socket:
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


def main() -> None:
    """Posts the requests and prints the rate."""
    host, port, number, times, file = sys.argv[1:]
    request = Path(file).read_bytes()
    selector = _connections(host, int(port), int(number))
    started_at = time.perf_counter()
    _post(selector, request, int(times))
    sys.stdout.write(f"{int(times) / (time.perf_counter() - started_at)}\n")


if __name__ == "__main__":
    main()

"""Misbehaving destinations: each path attacks the sender in another way."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

OK = b"HTTP/1.1 200 OK\r\n"
FOREVER_S = 60
_BOMB = gzip.compress(bytes(50 * 1_048_576))
Attack = Callable[[socket.socket, threading.Event], None]


def _says(data: bytes) -> Attack:
    return lambda connection, _end: connection.sendall(data)


def _repeats(start: bytes, again: bytes) -> Attack:
    def attack(connection: socket.socket, end: threading.Event) -> None:
        connection.sendall(start)
        while not end.is_set():
            connection.sendall(again)

    return attack


def _drips(connection: socket.socket, end: threading.Event) -> None:
    connection.sendall(OK + b"Content-Length: 1000000\r\n\r\n")
    while not end.wait(0.05):
        connection.sendall(b"x")


WAYS: dict[str, Attack] = {
    "never": lambda _connection, end: (end.wait(FOREVER_S), None)[1],
    "at-once": lambda _connection, _end: None,
    "drips": _drips,
    "body-for-ever": _repeats(OK + b"\r\n", b"x" * 65_536),
    "headers-for-ever": _repeats(OK, b"X: y\r\n" * 1000),
    "continues-for-ever": _repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "no-http": _says(b"\x00\xff" * 1000),
    "half-a-head": _says(OK + b"Content-Le"),
    "half-a-body": _says(OK + b"Content-Length: 9\r\n\r\nabc"),
    "wrong-length": _says(OK + b"Content-Length: -5\r\n\r\n"),
    "two-lengths": _says(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "bad-chunk": _says(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "bad-gzip": _says(OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
    "gzip-bomb": _says(
        OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB) + _BOMB
    ),
    "status-999": _says(b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"),
    "upgrade": _says(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "headers-that-are-no-text": _says(OK + b"X: \xff\xfe\x80\r\nContent-Length: 0\r\n\r\n"),
}
RETRY_AFTER = (
    "-1", "1e309", "9" * 4000, "\xb2", "NaN", "Mon, 99 Foo 9999 99:99:99 +9999", "9" * 400 + "h",
    "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359", "1h" * 2000, "", ",",
    "0x1", "Mon, 01 Jan 99999999999999 00:00:00 GMT", ".s", "1.h", "inf", "1_000",
)  # fmt: skip


def _respond(path: str) -> Attack:
    name = path.strip("/").partition("?")[0]
    if name.startswith("retry-after-"):
        value = RETRY_AFTER[int(name.removeprefix("retry-after-"))].encode("latin-1")
        return _says(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nRetry-After: " + value + b"\r\n\r\n")
    if name == "redirects":
        return _says(b"HTTP/1.1 307 Again\r\nLocation: /redirects\r\nContent-Length: 0\r\n\r\n")
    return WAYS[name]


@contextmanager
def hostile_destination() -> Iterator[str]:
    """Yields the URL of a destination with all attacks."""
    end = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:

        def attack(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65_536) or b"\r\n\r\n"
                if head.strip():
                    _respond(head.split(b" ", 2)[1].decode())(connection, end)

        def listen() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=attack, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            end.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()

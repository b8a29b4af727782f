"""A server that says what it is told to, byte by byte, whatever HTTP makes of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from select import select


@dataclass
class Connection:
    """What a script may do to one request; `number` counts the requests from 1."""

    sock: socket.socket
    number: int
    stopped: threading.Event
    request: bytes = b""

    def say(self, text: bytes) -> None:
        self.sock.sendall(text)

    def answer(self, body: bytes, status: str = "200 OK", *headers: str) -> None:
        """A whole answer, after which the connection stays."""
        head = (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", "")
        self.say("\r\n".join(head).encode() + body)

    def drip(self, text: bytes = b"x") -> None:
        """Says it again and again, with hardly a pause, until nobody listens."""
        while not self.stopped.wait(0.05):
            self.say(text)

    def pour(self, block: bytes, times: int) -> None:
        """Says a block so many times, or until nobody listens."""
        for _ in range(times):
            self.say(block)

    def stall(self) -> None:
        """Says nothing until the other side is gone."""
        with suppress(OSError):
            while not self.stopped.is_set():
                if select([self.sock], [], [], 0.05)[0] and not self.sock.recv(65_536):
                    return

    def reset(self) -> None:
        """Ends the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def half_close(self) -> None:
        """Says that nothing more will be said, and goes on listening."""
        self.sock.shutdown(socket.SHUT_WR)


Script = Callable[[Connection], None]


@dataclass
class RawServer:
    """A running server: where it is, and the requests that it got."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


@contextmanager
def raw_server(script: Script) -> Iterator[RawServer]:
    """A server on loopback that plays the script for every request."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=256)) as listener:
        server = RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
        accepting = threading.Thread(target=_accept, args=(listener, server, script), daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            server.stopped.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, server: RawServer, script: Script) -> None:
    threads = []
    with suppress(OSError):
        while True:
            sock, _ = listener.accept()
            threads.append(threading.Thread(target=_serve, args=(sock, server, script)))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _serve(sock: socket.socket, server: RawServer, script: Script) -> None:
    # Whoever asked may be gone.
    with closing(sock), suppress(OSError):
        sock.settimeout(0.5)
        while request := _request(sock, server.stopped):
            server.requests.append(request)
            script(Connection(sock, len(server.requests), server.stopped, request))


def _request(sock: socket.socket, stopped: threading.Event) -> bytes:
    """One request with its body, nothing at the end of the connection."""
    text = b""
    while not _is_whole(text):
        try:
            more = sock.recv(65_536)
        except TimeoutError:
            if stopped.is_set():
                return b""
            continue
        if not more:
            return b""
        text += more
    return text


def _is_whole(text: bytes) -> bool:
    head, end, body = text.partition(b"\r\n\r\n")
    lengths = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    return bool(end) and len(body) >= sum(lengths)

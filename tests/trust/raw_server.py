"""A server that sends scripted bytes, whether or not they are valid HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from select import select


@dataclass
class Connection:
    """The actions of a script for one request; `number` counts requests from 1."""

    sock: socket.socket
    number: int
    stopped: threading.Event
    request: bytes = b""

    def say(self, text: bytes) -> None:
        self.sock.sendall(text)

    def respond(self, body: bytes, status: str = "200 OK", *headers: str) -> None:
        """Sends a complete response and keeps the connection open."""
        head = (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", "")
        self.say("\r\n".join(head).encode() + body)

    def drip(self, text: bytes = b"x") -> None:
        """Sends the text repeatedly until the client disconnects."""
        while not self.stopped.wait(0.05):
            self.say(text)

    def pour(self, block: bytes, times: int) -> None:
        """Sends a block `times` times, or until the client disconnects."""
        for _ in range(times):
            self.say(block)

    def stall(self) -> None:
        """Sends nothing until the client disconnects."""
        with suppress(OSError):
            while not self.stopped.is_set():
                if select([self.sock], [], [], 0.05)[0] and not self.sock.recv(65_536):
                    return

    def reset(self) -> None:
        """Closes the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def half_close(self) -> None:
        """Closes the sending side only."""
        self.sock.shutdown(socket.SHUT_WR)


Script = Callable[[Connection], None]


@dataclass
class RawServer:
    """A running server: its URL, and the requests that it received."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


@contextmanager
def raw_server(script: Script) -> Iterator[RawServer]:
    """Runs the script for every request to a loopback port."""
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
    # The client may have disconnected.
    with closing(sock), suppress(OSError):
        while request := _request(sock, server.stopped):
            server.requests.append(request)
            # It limits a whole `say`, also to a client that is slow.
            sock.settimeout(60)
            script(Connection(sock, len(server.requests), server.stopped, request))


def _request(sock: socket.socket, stopped: threading.Event) -> bytes:
    """Reads one request with its body; returns nothing at the end of the connection."""
    text = b""
    sock.settimeout(0.5)
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

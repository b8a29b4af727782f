"""A server on loopback that sends given bytes, over TCP or TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from qstash_cli.client.transport import HttpTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
# Used as a response: the server reads the request and sends nothing.
SILENCE = b"(silence)"


@dataclass
class Peer:
    """A server. `responses` lists those of each connection, which it closes after the last one."""

    responses: tuple[tuple[bytes, ...], ...]
    context: ssl.SSLContext | None = None
    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                responses = self.responses[min(self.connections, len(self.responses) - 1)]
                self.connections += 1
                threading.Thread(
                    target=self._talk, args=(connection, responses), daemon=True
                ).start()

    def _talk(self, connection: socket.socket, responses: tuple[bytes, ...]) -> None:
        with suppress(OSError):
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            with closing(connection):
                for response in responses:
                    self.requests.append(_request(connection))
                    if response == SILENCE:
                        connection.recv(1)
                    else:
                        connection.sendall(response)
        self.closed.set()


Peers = Callable[..., Peer]
Transports = Callable[..., HttpTransport]


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            raise OSError("the client is gone")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields.get(b"content-length", b"0")):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def listening(peer: Peer) -> Iterator[Peer]:
    """Runs the server and sets its URL."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        scheme, host = ("http", "127.0.0.1") if peer.context is None else ("https", "localhost")
        peer.url = f"{scheme}://{host}:{listener.getsockname()[1]}"
        thread = threading.Thread(target=peer.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield peer
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()

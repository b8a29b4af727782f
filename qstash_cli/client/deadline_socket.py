"""A socket with one deadline for all of its operations.

The timeout of a plain socket restarts with each piece of data.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BufferedReader, RawIOBase
from socket import SocketIO, socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class DeadlineSocket:
    """A connected socket with the methods that `http.client` calls.

    Sending and receiving raise `TimeoutError` after the deadline that `set_deadline` sets.
    """

    def __init__(self, connected: socket) -> None:
        self._socket = connected
        self._deadline_at = 0.0
        self._unsent: list[bytes] = []

    def set_deadline(self, limit_s: float) -> None:
        """Limits all further operations to `limit_s` in total."""
        self._deadline_at = time.monotonic() + limit_s

    def sendall(self, data: bytes) -> None:
        """Queues data, which `flush` sends in one piece.

        Head and body are passed separately, and each packet would wake up the server.
        """
        self._unsent.append(data)

    def flush(self) -> None:
        """Sends the queued data."""
        rest = memoryview(b"".join(self._unsent))
        self._unsent.clear()
        while rest:
            rest = rest[self._limited().send(rest) :]

    def makefile(self, _mode: str) -> BufferedReader:
        """Returns a file that reads from the socket."""
        return BufferedReader(_Incoming(self._limited, self._socket.makefile("rb", buffering=0)))

    def fileno(self) -> int:
        """Returns the file descriptor."""
        return self._socket.fileno()

    def shutdown(self, how: int) -> None:
        """Wakes up every operation that waits for the socket."""
        self._socket.shutdown(how)

    def close(self) -> None:
        """Closes the socket, once the files made from it are closed."""
        self._socket.close()

    def _limited(self) -> socket:
        remaining_s = self._deadline_at - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(remaining_s)
        return self._socket


class _Incoming(RawIOBase):
    def __init__(self, set_timeout: Callable[[], object], incoming: SocketIO) -> None:
        self._set_timeout = set_timeout
        self._incoming = incoming

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._set_timeout()
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()

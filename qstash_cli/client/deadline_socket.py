"""A socket all of whose waiting ends at one time, however the other side spreads its bytes.

A socket's own time limit begins anew with each piece that comes or goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from io import RawIOBase
from socket import SHUT_RDWR, SocketIO, socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class TimedSocket:
    """A connected socket in the form that `http.client` asks for.

    Whatever waits raises `TimeoutError` once the time is up that `end_within` gave.
    """

    def __init__(self, plain: socket) -> None:
        self._plain = plain
        self._ends_at = 0.0
        self._unsent: list[bytes] = []

    def end_within(self, limit_s: float) -> None:
        """From now on, all of the waiting takes at most so long."""
        self._ends_at = time.monotonic() + limit_s

    def sendall(self, data: bytes) -> None:
        """Sends it with all that follows, once an answer is asked for.

        Head and body come one by one, and each packet wakes up the other side.
        """
        self._unsent.append(data)

    def makefile(self, _mode: str) -> RawIOBase:
        """What comes in, once all is sent that goes out."""
        rest = memoryview(b"".join(self._unsent))
        self._unsent.clear()
        while rest:
            rest = rest[self._in_time().send(rest) :]
        return _Incoming(self._in_time, self._plain.makefile("rb", buffering=0))

    def fileno(self) -> int:
        """The number that the system has for it."""
        return self._plain.fileno()

    def shutdown(self) -> None:
        """Ends what still waits on it."""
        self._plain.shutdown(SHUT_RDWR)

    def close(self) -> None:
        """Closes it, once the files made of it are closed."""
        self._plain.close()

    def _in_time(self) -> socket:
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the time is up")
        self._plain.settimeout(left_s)
        return self._plain


class _Incoming(RawIOBase):
    def __init__(self, in_time: Callable[[], object], plain: SocketIO) -> None:
        self._in_time = in_time
        self._plain = plain

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._in_time()
        return self._plain.readinto(buffer)

    def close(self) -> None:
        self._plain.close()
        super().close()

"""Ports of servers that a test starts, or starts again, at a port that it knows beforehand."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def reserved_ports(count: int) -> Iterator[tuple[int, ...]]:
    """Yields free ports of 127.0.0.1, and reserves them for the servers of the test.

    On Linux a second socket can be bound to a port if both allow it and neither listens yet, and a
    process that asks for any free port does not get this one. Elsewhere the ports are only free.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", 0))
        ports = tuple(one.getsockname()[1] for one in sockets)
        if sys.platform != "linux":
            stack.close()
        yield ports


@contextmanager
def reserved_port() -> Iterator[int]:
    """Yields a free port of 127.0.0.1, and reserves it."""
    with reserved_ports(1) as (port,):
        yield port

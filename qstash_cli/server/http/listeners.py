"""The ports that the server listens on."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import NamedTuple

from qstash_cli.errors import QstashError

_LOOPBACK = "127.0.0.1"
BACKLOG = 2048


class Addresses(NamedTuple):
    """The URLs of a server. `log_url` is None without a port for the logs."""

    url: str
    log_url: str | None = None


@contextlib.contextmanager
def listening(
    host: str, port: int, log_port: int | None
) -> Iterator[tuple[Addresses, list[socket.socket]]]:
    """Opens the listeners of both ports, 0 for a free one, and yields them with their URLs.

    Raises `QstashError` if a port is in use.
    """
    with contextlib.ExitStack() as stack:
        listeners = _of_port(host, port, _hint("--port"), stack)
        addresses = Addresses(url=_url(host, listeners[0]))
        if log_port is not None:
            more = _of_port(host, log_port, _hint("--log-port"), stack)
            addresses = Addresses(url=addresses.url, log_url=_url(host, more[0]))
            listeners += more
        yield addresses, listeners


@contextlib.contextmanager
def loopback(port: int) -> Iterator[tuple[str, list[socket.socket]]]:
    """Opens the listeners of a loopback port, 0 for a free one, and yields them with their URL.

    Raises `QstashError` if the port is in use.
    """
    with contextlib.ExitStack() as stack:
        hint = "choose another --port, 0 for a free one"
        listeners = _of_port(_LOOPBACK, port, hint, stack)
        yield _url(_LOOPBACK, listeners[0]), listeners


def _hint(flag: str) -> str:
    return f"is another `qstash dev` running? choose another {flag}, 0 for a free one"


def _of_port(host: str, port: int, hint: str, stack: contextlib.ExitStack) -> list[socket.socket]:
    try:
        listener = stack.enter_context(_bound(host, port))
    except OSError as fault:
        raise QstashError(
            f"cannot listen on {host}:{port}: {(fault.strerror or '').lower()}", hint=hint
        ) from None
    listeners = [listener]
    if host == _LOOPBACK:
        # Some programs resolve `localhost` to the IPv6 address. Not every machine has it.
        with contextlib.suppress(OSError):
            listeners.append(stack.enter_context(_bound("::1", listener.getsockname()[1])))
    return listeners


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables the delay of small responses (40 ms) only if the protocol is TCP explicitly.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"

"""Receives requests at a local endpoint, and responds to them."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.client import external
from qstash_cli.commands.listen.arrival import Arrival
from qstash_cli.commands.listen.options import STATUSES, ListenOptions
from qstash_cli.files import write_atomically

if TYPE_CHECKING:
    from qstash_cli.server.http.local_endpoint import Received

_NOT_FORWARDED = {"host", "content-length", "connection", "transfer-encoding", "accept-encoding"}
# QStash's own longest timeout.
_FORWARD_WITHIN_S = 900
_WAKE_UP_S = 0.5
# Requests that are not printed yet; the response to the next one waits until there is room.
_MAX_WAITING = 100


def arrivals(ctx: Context, options: ListenOptions) -> Iterator[Arrival]:
    """Yields the requests, in the order of their responses, until the command is interrupted.

    Saves each one first if `--save` is given.
    """
    from qstash_cli.server.http.local_endpoint import running_endpoint

    received: queue.Queue[Arrival] = queue.Queue(_MAX_WAITING)
    numbers = itertools.count(1)

    def respond(request: Received) -> tuple[int, bytes]:
        number, received_at = next(numbers), ctx.system.now()
        if options.latency:
            ctx.system.sleep(options.latency)
        status, body = _response(options, request, number)
        # The clock may have been set back meanwhile.
        duration_ms = max(0, round((ctx.system.now() - received_at) * 1000))
        received.put(Arrival(number, request, status, received_at, duration_ms))
        return status, body

    with running_endpoint(respond, options.port, keep_requests=False) as endpoint:
        ctx.note(f"listening at {endpoint.url}")
        while True:
            arrival = _next(received)
            if options.save is not None:
                _save(Path(options.save), arrival)
            yield arrival


def _next(received: queue.Queue[Arrival]) -> Arrival:
    # A signal that arrives while the thread goes to sleep is only seen when it wakes up.
    while True:
        with suppress(queue.Empty):
            return received.get(timeout=_WAKE_UP_S)


def _response(options: ListenOptions, request: Received, number: int) -> tuple[int, bytes]:
    if number <= options.fail_first:
        return 500, b"as --fail-first says"
    if options.to is None:
        return options.status, b""
    reply = external.send(
        request.method,
        options.to.rstrip("/") + request.path,
        timeout_s=_FORWARD_WITHIN_S,
        headers=tuple(h for h in request.headers if h[0].lower() not in _NOT_FORWARDED),
        body=request.body,
    )
    if reply.error:
        return 502, reply.error.encode()
    # A server cannot send every status that it can receive: 101 and 999 have no meaning here.
    return (reply.status if reply.status in STATUSES else 502), reply.body


def _save(directory: Path, arrival: Arrival) -> None:
    from qstash_cli.captures.saved import as_raw_http

    # The request waits for its response meanwhile.
    text = as_raw_http(arrival.capture(), arrival.request.path)
    write_atomically(directory / f"{arrival.number:04}.http", text, durable=False)

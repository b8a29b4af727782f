"""Selects the next message to start: limits of all deliveries, of a host and of a flow control key.

A message that may not start yet waits in the list of the limit that blocks it, so that a full host
or key costs the other messages nothing.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from qstash_cli.server.delivery.flow_control import Flow

_PORTS = {"http": 80, "https": 443}


class PendingMessage(NamedTuple):
    """The place of a message in the schedule of attempts; `order` breaks ties of `due_ms`."""

    due_ms: int
    order: int
    message_id: str
    host: str
    flow: Flow | None


@dataclass(eq=False)
class Host:
    """A destination host: its deliveries in flight, and the lanes that it blocks."""

    name: str
    active: int = 0
    lane_count: int = 0
    parked: list[tuple[int, Lane]] = field(default_factory=list)


@dataclass(eq=False)
class Lane:
    """Due messages of one host and one flow control key, first come, first served.

    A lane with messages is in exactly one list: that of the ready lanes, of its host or of its key.
    """

    host: Host
    flow: Flow | None
    waiting: OrderedDict[str, tuple[int, PendingMessage]] = field(default_factory=OrderedDict)
    is_parked: bool = False


class Start(NamedTuple):
    """A message whose attempt starts now, and the lane to pass to `end` afterwards."""

    pending: PendingMessage
    lane: Lane


@lru_cache(maxsize=256)
def host_of(url: str) -> str:
    """Returns the host and port of a URL, which share a limit."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}"
    except ValueError:
        # The delivery will fail with an error.
        return url


class Dispatcher:
    """Starts due messages in their order as far as the limits allow.

    At most `limit` deliveries are in flight. A host gets another place only while it has fewer
    deliveries in flight than there are places free: one host takes at most half of all places, the
    next one half of the rest, so that hosts that never respond leave places for the others.
    """

    def __init__(self, limit: int) -> None:
        self.in_flight = 0
        self._limit = limit
        self._positions = itertools.count()
        self._hosts: dict[str, Host] = {}
        self._lanes: dict[tuple[str, str | None], Lane] = {}
        self._lane_of: dict[str, Lane] = {}
        self._ready: list[tuple[int, Lane]] = []
        self._full_hosts: dict[str, Host] = {}
        self._openings: list[tuple[int, int, Flow]] = []

    def add(self, pending: PendingMessage) -> None:
        """Appends a due message, unless it is waiting already."""
        if pending.message_id in self._lane_of:
            return
        lane = self._lane(pending)
        lane.waiting[pending.message_id] = (next(self._positions), pending)
        self._lane_of[pending.message_id] = lane
        if lane.flow is not None:
            lane.flow.waiting += 1
        if not lane.is_parked:
            _park(lane, self._ready)

    def remove(self, message_ids: Iterable[str]) -> None:
        """Removes those of the messages that are waiting."""
        for message_id in message_ids:
            lane = self._lane_of.pop(message_id, None)
            if lane is not None:
                del lane.waiting[message_id]
                if lane.flow is not None:
                    lane.flow.waiting -= 1

    def start_next(self, now_ms: int) -> Start | None:
        """Starts the next message that the limits allow, None if there isn't one."""
        while self._ready and self.in_flight < self._limit:
            _, lane = heapq.heappop(self._ready)
            lane.is_parked = False
            started = self._start(lane, now_ms)
            # Another lane of the same host or key may be able to start.
            if not self._is_full(lane.host):
                self._unpark(lane.host.parked)
            if lane.flow is not None:
                self._continue(lane.flow, now_ms)
            if started is not None:
                return Start(started, lane)
        return None

    def end(self, lane: Lane) -> None:
        """Stops counting a message whose attempt has ended."""
        self.in_flight -= 1
        lane.host.active -= 1
        if lane.flow is not None:
            lane.flow.active -= 1
            self.recheck(lane.flow)
        self._drop_if_unused(lane.host)
        for host in list(self._full_hosts.values()):
            if not self._is_full(host):
                self._unpark(host.parked)
            if not host.parked:
                del self._full_hosts[host.name]

    def recheck(self, flow: Flow) -> None:
        """Lets messages of a flow control key start after its limits have changed."""
        self._unpark(flow.parked)

    def open_periods(self, now_ms: int) -> None:
        """Lets messages start whose rate period has begun."""
        while self._openings and self._openings[0][0] <= now_ms:
            self._open(heapq.heappop(self._openings)[-1])

    def clock_was_set_back(self) -> None:
        """Checks the flow control keys that wait for a period, which may be far away now."""
        openings, self._openings = self._openings, []
        for _, _, flow in openings:
            self._open(flow)

    @property
    def next_opening_ms(self) -> int | None:
        """When the next rate period begins for which a message waits."""
        return self._openings[0][0] if self._openings else None

    def _open(self, flow: Flow) -> None:
        flow.awaited_ms = None
        self.recheck(flow)

    def _start(self, lane: Lane, now_ms: int) -> PendingMessage | None:
        host, flow = lane.host, lane.flow
        if not lane.waiting:
            self._drop(lane)
            return None
        if self._is_full(host):
            self._full_hosts[host.name] = host
            _park(lane, host.parked)
            return None
        if flow is not None and not flow.enter(now_ms):
            _park(lane, flow.parked)
            return None
        message_id, (_, pending) = lane.waiting.popitem(last=False)
        del self._lane_of[message_id]
        self.in_flight += 1
        host.active += 1
        if flow is not None:
            flow.waiting -= 1
        if lane.waiting:
            _park(lane, self._ready)
        else:
            self._drop(lane)
        return pending

    def _continue(self, flow: Flow, now_ms: int) -> None:
        """Lets the next lane of a key try, or waits for the period in which it can start."""
        if flow.admits(now_ms):
            self._unpark(flow.parked)
        elif flow.parked and flow.is_out_of_rate(now_ms):
            opens_ms = flow.opens_ms
            if flow.awaited_ms is None or flow.awaited_ms > opens_ms:
                flow.awaited_ms = opens_ms
                heapq.heappush(self._openings, (opens_ms, next(self._positions), flow))

    def _is_full(self, host: Host) -> bool:
        return host.active >= self._limit - self.in_flight

    def _unpark(self, parked: list[tuple[int, Lane]]) -> None:
        if parked:
            heapq.heappush(self._ready, heapq.heappop(parked))

    def _lane(self, pending: PendingMessage) -> Lane:
        key = (pending.host, pending.flow.key if pending.flow else None)
        lane = self._lanes.get(key)
        if lane is None:
            host = self._hosts.setdefault(pending.host, Host(pending.host))
            host.lane_count += 1
            lane = self._lanes[key] = Lane(host, pending.flow)
        return lane

    def _drop(self, lane: Lane) -> None:
        del self._lanes[lane.host.name, lane.flow.key if lane.flow else None]
        lane.host.lane_count -= 1
        self._drop_if_unused(lane.host)

    def _drop_if_unused(self, host: Host) -> None:
        if host.active == 0 and host.lane_count == 0:
            self._hosts.pop(host.name, None)


def _park(lane: Lane, parked: list[tuple[int, Lane]]) -> None:
    lane.is_parked = True
    position, _ = next(iter(lane.waiting.values()))
    heapq.heappush(parked, (position, lane))

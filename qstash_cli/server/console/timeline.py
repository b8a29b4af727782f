"""The time that a message waited, was in flight and backed off, drawn to scale. Pure."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from http import HTTPStatus
from itertools import pairwise
from typing import NamedTuple

from qstash_cli.server.services.overview import LogEntry

WIDTH = 1000.0
# Narrower ones could not be seen.
_MIN_WIDTH = 3.0
_ENDS = {"DELIVERED", "FAILED", "CANCELLED"}
_RESULTS = {"DELIVERED", "ERROR"}


class Segment(NamedTuple):
    """A part of the timeline. `x` and `width` are of `WIDTH`; the duration is in ms."""

    kind: str
    x: float
    width: float
    duration_ms: int


class Attempt(NamedTuple):
    """An attempt. Its end, status and response are None while it is in flight."""

    number: int
    started_ms: int
    duration_ms: int | None
    status: int | None
    reason: str
    error: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    retry_at_ms: int | None


def segments_of(entries: Sequence[LogEntry], now_ms: int) -> tuple[Segment, ...]:
    """Returns the parts of a message's life, from its creation to its end or to now."""
    marks = [(entry.time_ms, _next_kind(entry.state)) for entry in entries]
    if not marks:
        return ()
    if entries[-1].state not in _ENDS:
        marks.append((max(now_ms, marks[-1][0]), ""))
    start_ms, end_ms = marks[0][0], max(time for time, _ in marks)
    scale = WIDTH / max(1, end_ms - start_ms)
    found = []
    for (from_ms, kind), (to_ms, _) in pairwise(marks):
        if kind and to_ms > from_ms:
            width = max(_MIN_WIDTH, (to_ms - from_ms) * scale)
            x = min((from_ms - start_ms) * scale, WIDTH - width)
            found.append(Segment(kind, round(x, 1), round(width, 1), to_ms - from_ms))
    return tuple(found)


def _next_kind(state: str) -> str:
    """What a message does after an entry with this state."""
    return {"CREATED": "waiting", "ACTIVE": "flight", "ERROR": "backoff", "RETRY": "backoff"}.get(
        state, ""
    )


def attempts_of(entries: Sequence[LogEntry]) -> tuple[Attempt, ...]:
    """Returns the attempts of a message, the first one first."""
    found: list[Attempt] = []
    for entry in entries:
        if entry.state == "ACTIVE":
            found.append(Attempt(len(found) + 1, entry.time_ms, None, None, "", "", (), b"", None))
        elif entry.state in _RESULTS and found and found[-1].duration_ms is None:
            found[-1] = _ended(found[-1], entry)
        elif entry.state == "RETRY" and found:
            retry_at_ms = entry.details.get("nextDeliveryTime")
            found[-1] = found[-1]._replace(retry_at_ms=retry_at_ms)
    return tuple(found)


def _ended(attempt: Attempt, entry: LogEntry) -> Attempt:
    details = entry.details
    status = details.get("responseStatus")
    headers = details.get("responseHeader") or {}
    return attempt._replace(
        duration_ms=max(0, entry.time_ms - attempt.started_ms),
        status=status,
        reason=_reason(status, details.get("injectedFaults", ())),
        error=details.get("error", ""),
        headers=tuple((name, ", ".join(values)) for name, values in headers.items()),
        body=b64decode(details.get("responseBody", "")),
    )


def _reason(status: int | None, faults: Sequence[str]) -> str:
    injected = f"(injected: {', '.join(faults)})" if faults else ""
    try:
        return f"{HTTPStatus(status or 0).phrase} {injected}".strip()
    except ValueError:
        return injected

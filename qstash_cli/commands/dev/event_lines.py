"""The events of the server as lines for people, and as JSON for programs."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from qstash_cli.output.event_line import EventLine
from qstash_cli.output.values import readable_span

if TYPE_CHECKING:
    from qstash_cli.server.events import ServerEvent

_STATES = {
    "published": "CREATED",
    "delivered": "DELIVERED",
    "retrying": "RETRY",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
    "request": "",
    "refused": "WARNING",
    "dropped": "WARNING",
}
_SOON_MS = 1000
_MAX_DETAIL_LINES = 40
_SECRET = re.compile(r"auth|cookie|token|secret|key|password", re.IGNORECASE)
_MASKED = "***"
_TEXTS = {
    "method": "method",
    "url": "url",
    "messageId": "message_id",
    "responseStatus": "status",
    "durationMs": "duration_ms",
    "attempt": "attempt",
    "maxRetries": "max_retries",
    "nextDeliveryTime": "next_ms",
    "error": "error",
    "queueName": "queue",
    "scheduleId": "schedule_id",
    "callbackOf": "callback_of",
    "injectedFaults": "faults",
}


def line_of(event: ServerEvent) -> EventLine:
    """Returns the line of an event."""
    return EventLine(
        at_s=event.time_ms / 1000,
        state=_STATES[event.kind],
        word=event.kind,
        method=event.method,
        url=event.url,
        note=_note(event),
        details=tuple(_details(event)),
    )


def record_of(event: ServerEvent) -> dict[str, object]:
    """Returns an event as JSON, under QStash's names where it has some. Times are unix ms."""
    record: dict[str, object] = {"event": event.kind, "time": event.time_ms}
    for name, field in _TEXTS.items():
        value = getattr(event, field)
        if value not in (None, "", ()):
            record[name] = round(value, 1) if isinstance(value, float) else value
    for name, headers in (("header", event.headers), ("responseHeader", event.response_headers)):
        if headers:
            record[name] = _masked(headers)
    for name, body in (("body", event.body), ("responseBody", event.response_body)):
        if body:
            record[name] = b64encode(body).decode()
    return record


def _note(event: ServerEvent) -> str:
    return _NOTES.get(event.kind, _request_note)(event)


def _published_note(event: ServerEvent) -> str:
    return ", ".join([event.message_id, *_origin(event)])


def _delivered_note(event: ServerEvent) -> str:
    again = f", attempt {event.attempt}" if (event.attempt or 1) > 1 else ""
    return f"{_response(event)}{_duration(event)}{again}{_injected(event)}"


def _retrying_note(event: ServerEvent) -> str:
    wait_s = ((event.next_ms or event.time_ms) - event.time_ms) / 1000
    retry = f"retry {event.attempt or 1} of {event.max_retries} in {readable_span(wait_s)}"
    return f"{_response(event)}{_duration(event)}, {retry}{_injected(event)}"


def _failed_note(event: ServerEvent) -> str:
    attempts = event.attempt or 1
    count = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    return f"{_response(event)}, in the DLQ after {count}{_injected(event)}"


def _request_note(event: ServerEvent) -> str:
    reason = f": {event.error}" if event.error else ""
    return f"{event.status}{_duration(event)}{reason}"


_NOTES: Mapping[str, Callable[[ServerEvent], str]] = {
    "published": _published_note,
    "delivered": _delivered_note,
    "retrying": _retrying_note,
    "failed": _failed_note,
    "cancelled": lambda event: event.message_id,
    "dropped": lambda event: f"{event.error} were not displayed",
}


def _origin(event: ServerEvent) -> Iterator[str]:
    """Where a message comes from, and what it waits for."""
    if event.schedule_id:
        yield f"schedule {event.schedule_id}"
    if event.callback_of:
        yield f"callback of {event.callback_of}"
    if event.queue:
        yield f"queue {event.queue}"
    if event.next_ms is not None and event.next_ms - event.time_ms > _SOON_MS:
        yield f"due in {readable_span((event.next_ms - event.time_ms) / 1000)}"


def _response(event: ServerEvent) -> str:
    return str(event.status) if event.status else event.error or "no response"


def _injected(event: ServerEvent) -> str:
    return f" (injected: {', '.join(event.faults)})" if event.faults else ""


def _duration(event: ServerEvent) -> str:
    if event.duration_ms is None:
        return ""
    return f" in {readable_span(max(1, round(event.duration_ms)) / 1000)}"


def _details(event: ServerEvent) -> Iterator[str]:
    for headers, body in (
        (event.headers, event.body),
        (event.response_headers, event.response_body),
    ):
        for name, text in _masked(headers).items():
            yield f"{name}: {text}"
        yield from body.decode(errors="replace").splitlines()[:_MAX_DETAIL_LINES]


def _masked(headers: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {
        name: _MASKED if _SECRET.search(name) else ", ".join(values)
        for name, values in headers.items()
    }

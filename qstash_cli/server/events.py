"""What happens in the server, for those who watch it: requests, deliveries, retries, failures.

The events of messages are read from the log in the store. So they cost a publish nothing, and a
reader that is slow loses none of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from base64 import b64decode
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from qstash_cli.protocol.headers import as_lists
from qstash_cli.server.http import redaction
from qstash_cli.server.http.request_log import SeenRequest
from qstash_cli.server.services import logs
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.accounts import Accounts
from qstash_cli.server.services.logs import LogEntry

_PAUSE_S = 0.1
_MAX_REQUESTS = 1000
_MAX_BODY_BYTES = 4096
_FIRST_ERROR = 400
_KINDS = {
    "CREATED": "published",
    "DELIVERED": "delivered",
    "RETRY": "retrying",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
}
_ENDS = frozenset({"delivered", "failed", "cancelled"})

HeaderLists = Mapping[str, Sequence[str]]
_NO_HEADERS: HeaderLists = MappingProxyType({})


class ServerEvent(NamedTuple):
    """One event; what is not known or does not apply is empty or None.

    `kind` is published, delivered, retrying, failed, cancelled, request, refused or dropped.
    `attempt` counts from 1, `next_ms` is when the next attempt is due, in unix milliseconds.
    """

    kind: str
    time_ms: int
    method: str = ""
    url: str = ""
    message_id: str = ""
    status: int | None = None
    duration_ms: float | None = None
    attempt: int | None = None
    max_retries: int | None = None
    next_ms: int | None = None
    error: str = ""
    queue: str = ""
    schedule_id: str = ""
    callback_of: str = ""
    faults: Sequence[str] = ()
    headers: HeaderLists = _NO_HEADERS
    body: bytes = b""
    response_headers: HeaderLists = _NO_HEADERS
    response_body: bytes = b""


class EventSink(Protocol):
    """Receives events. It must not block: it takes at most `room` events at a time."""

    @property
    def room(self) -> int: ...

    def write(self, events: Sequence[ServerEvent]) -> None: ...


class EventFeed:
    """Passes events to a sink until it is stopped.

    With `is_verbose` each request is an event, not only a refused one, and messages have their
    headers and the first bytes of their bodies.
    """

    def __init__(self, accounts: Accounts, sink: EventSink, *, is_verbose: bool) -> None:
        self._accounts = accounts
        self._sink = sink
        self._is_verbose = is_verbose
        self._requests: deque[ServerEvent] = deque()
        self._dropped = 0
        self._readers: dict[str, _MessageEvents] = {}
        self._task: asyncio.Task[None] | None = None

    def note_request(self, seen: SeenRequest) -> None:
        """Notes a request, once the feed has started, unless too many wait already."""
        # Commands read what may not exist.
        is_refused = seen.status >= _FIRST_ERROR and (seen.method, seen.status) != ("GET", 404)
        if self._task is None or not (is_refused or self._is_verbose):
            return
        if len(self._requests) == _MAX_REQUESTS:
            self._dropped += 1
            return
        self._requests.append(
            ServerEvent(
                kind="refused" if is_refused else "request",
                time_ms=round(time.time() * 1000),
                method=seen.method,
                url=seen.path,
                status=seen.status,
                duration_ms=seen.duration_ms,
                error=seen.error,
            )
        )

    def start(self) -> None:
        """Starts to pass events on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Passes on what has happened until now, and stops."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            with contextlib.suppress(Exception):
                await self._pass_on()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_S)
            # A database that cannot be read now must not end the feed.
            with contextlib.suppress(Exception):
                await self._pass_on()

    async def _pass_on(self) -> None:
        room = self._sink.room
        if room <= 0:
            return
        events = list(self._taken_requests(room))
        for account in self._accounts.open_accounts:
            reader = self._readers.get(account.name)
            if reader is None or reader.account is not account:
                reader = _MessageEvents(account, with_contents=self._is_verbose)
                self._readers[account.name] = reader
            events += await reader.read(room - len(events))
        if events:
            self._sink.write(events)

    def _taken_requests(self, room: int) -> Iterator[ServerEvent]:
        for _ in range(min(room, len(self._requests))):
            yield self._requests.popleft()
        if self._dropped and not self._requests:
            text = f"{self._dropped:,} more requests"
            self._dropped = 0
            yield ServerEvent("dropped", round(time.time() * 1000), error=text)


class _Attempt(NamedTuple):
    number: int
    started_ms: int


_NOT_ATTEMPTED = _Attempt(0, 0)


class _MessageEvents:
    """The events of one account's messages, from the opening of the account on."""

    def __init__(self, account: Account, *, with_contents: bool) -> None:
        self.account = account
        self._with_contents = with_contents
        self._after_seq = account.first_log_seq
        self._attempts: dict[str, _Attempt] = {}
        self._errors: dict[str, ServerEvent] = {}

    async def read(self, limit: int) -> list[ServerEvent]:
        """Returns the events of the next entries of the log, at most `limit`."""
        if limit <= 0:
            return []
        trim = _MAX_BODY_BYTES if self._with_contents else 0
        entries, self._after_seq = await logs.list_after(self.account, self._after_seq, limit, trim)
        events: list[ServerEvent] = []
        for entry in entries:
            # A damaged entry must not cost the others.
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                events += self._events(entry)
        return events

    def _events(self, entry: LogEntry) -> Iterator[ServerEvent]:
        message_id = entry.message.id
        if entry.state == "CREATED":
            self._attempts[message_id] = _NOT_ATTEMPTED
        if entry.state == "ACTIVE":
            # A message that was published before the server started has no earlier attempt here.
            before = self._attempts.get(message_id, _Attempt(entry.message.retried, 0))
            self._attempts[message_id] = _Attempt(before.number + 1, entry.time_ms)
        elif entry.state == "ERROR":
            # What follows it, a retry or the end, is in the same event.
            self._errors[message_id] = self._event(entry, "error")
        elif entry.state in _KINDS:
            yield self._merged(entry)

    def _merged(self, entry: LogEntry) -> ServerEvent:
        event = self._event(entry, _KINDS[entry.state])
        error = self._errors.pop(entry.message.id, None)
        if event.kind in _ENDS:
            self._attempts.pop(entry.message.id, None)
        if error is None:
            return event
        return error._replace(kind=event.kind, time_ms=event.time_ms, next_ms=event.next_ms)

    def _event(self, entry: LogEntry, kind: str) -> ServerEvent:
        message, details = entry.message, entry.details
        attempt = self._attempts.get(message.id)
        if attempt is _NOT_ATTEMPTED:
            attempt = None
        event = ServerEvent(
            kind=kind,
            time_ms=entry.time_ms,
            method=message.options.method or "POST",
            url=message.url,
            message_id=message.id,
            status=details.get("responseStatus"),
            duration_ms=max(0, entry.time_ms - attempt.started_ms) if attempt else None,
            attempt=attempt.number if attempt else None,
            max_retries=message.max_retries,
            next_ms=details.get("nextDeliveryTime"),
            error=details.get("error", ""),
            queue=message.queue or "",
            schedule_id=message.schedule_id or "",
            callback_of=message.callback_of or "",
            faults=details.get("injectedFaults", ()),
        )
        return self._with_its_contents(event, entry, details) if self._with_contents else event

    def _with_its_contents(
        self, event: ServerEvent, entry: LogEntry, details: Mapping[str, Any]
    ) -> ServerEvent:
        if event.kind != "published":
            return event._replace(
                response_headers=details.get("responseHeader", {}),
                response_body=b64decode(details.get("responseBody", "")),
            )
        options = entry.message.options
        return event._replace(
            headers=redaction.headers(options.redact, as_lists(options.headers)),
            # A callback reports the body of its message, which may be redacted.
            body=b"" if event.callback_of else redaction.body(options.redact, entry.message.body),
        )

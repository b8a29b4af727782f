"""Reads the spans of messages from the log in the store, and passes them to an exporter.

So they cost a publish or a delivery nothing, and a slow collector loses none of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from qstash_cli.protocol.headers import Headers, as_lists
from qstash_cli.protocol.message_spans import (
    MessageSpan,
    MessageTrace,
    spans_of,
    trace_of,
    trace_of_log,
)
from qstash_cli.server.http import redaction
from qstash_cli.server.http.views.messages import log_entry
from qstash_cli.server.services import logs
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.accounts import Accounts
from qstash_cli.server.services.logs import Timeline
from qstash_cli.server.storage.messages import StoredMessage

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

_PAUSE_S = 0.1
_SHORT_PAUSE_S = 0.02
# Reading and converting this many entries takes some milliseconds.
_MAX_ENTRIES = 200
_MAX_SHARED = 1000
_READ_WITHIN_S = 1.0
_EXPORT_WITHIN_S = 2.0
_GIVE_UP_WITHIN_S = 0.2
_CONTEXT = ("traceparent", "tracestate")


class SpanSink(Protocol):
    """Exports spans. `room` is how many it takes now; `is_failing` says whether they are lost."""

    @property
    def room(self) -> int: ...

    @property
    def is_failing(self) -> bool: ...

    def is_sampled(self, trace: MessageTrace) -> bool: ...

    def write(self, spans: Sequence[MessageSpan]) -> None: ...

    async def close(self, within_s: float) -> None: ...


class TraceFeed:
    """Passes the spans of messages to a sink until it is stopped."""

    def __init__(self, accounts: Accounts, sink: SpanSink) -> None:
        self._accounts = accounts
        self._sink = sink
        self._readers: dict[str, _MessageSpans] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts to pass spans on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Exports what has happened until now, if that does not take long, and stops."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self._sink.close(_GIVE_UP_WITHIN_S if self._sink.is_failing else _EXPORT_WITHIN_S)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            is_more_to_read = await self._try_to_pass_on()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SHORT_PAUSE_S if is_more_to_read else _PAUSE_S):
                    await self._stopping.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READ_WITHIN_S):
                is_more_to_read = True
                while is_more_to_read and not self._sink.is_failing:
                    is_more_to_read = await self._try_to_pass_on()
                    await asyncio.sleep(_SHORT_PAUSE_S if is_more_to_read else 0)

    async def _try_to_pass_on(self) -> bool:
        try:
            return await self._pass_on()
        except Exception:  # noqa: BLE001 - a database that cannot be read now must not end the feed
            return False

    async def _pass_on(self) -> bool:
        """Passes the next spans of each account on. Returns whether there may be more."""
        is_more_to_read = False
        for account in self._accounts.open_accounts:
            reader = self._readers.get(account.name)
            if reader is None or reader.account is not account:
                reader = self._readers[account.name] = _MessageSpans(account, self._sink)
            is_more_to_read |= await reader.pass_on()
        return is_more_to_read


class _MessageSpans:
    """The spans of one account's messages that end after the opening of the account."""

    def __init__(self, account: Account, sink: SpanSink) -> None:
        self.account = account
        self._sink = sink
        self._after_seq = account.first_log_seq
        self._shared: dict[str, None] = {}

    async def pass_on(self) -> bool:
        """Passes the spans of the next entries on. Returns whether there may be more entries."""
        # An entry ends at most one span.
        limit = min(_MAX_ENTRIES, self._sink.room)
        if limit <= 0:
            return True
        found, self._after_seq = await logs.list_timelines_after(
            self.account, self._after_seq, limit
        )
        if found:
            # It takes too long for the event loop, and writes to nothing but memory.
            await asyncio.to_thread(self._write, found)
        return sum(one.new_count for one in found) == limit

    def _write(self, timelines: Sequence[Timeline]) -> None:
        for timeline in timelines:
            # A damaged entry must not cost the others.
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                self._sink.write(list(self._new_spans(timeline)))

    def _new_spans(self, timeline: Timeline) -> Iterator[MessageSpan]:
        entries = [cast("LogEntry", log_entry(one, body_limit=0)) for one in timeline.entries]
        trace = trace_of_log(entries)
        if not self._sink.is_sampled(trace):
            return
        for span in spans_of(trace, entries, len(entries) - timeline.new_count):
            if span.kind == "producer" and trace.publish.is_ours and self._is_repeated(span):
                continue
            yield span

    def _is_repeated(self, span: MessageSpan) -> bool:
        """Whether a message of the same publish, to a URL group, has exported its span."""
        if span.span_id in self._shared:
            return True
        self._shared[span.span_id] = None
        if len(self._shared) > _MAX_SHARED:
            del self._shared[next(iter(self._shared))]
        return False


class AttemptHeaders:
    """The headers of a message, whose trace context names the span of an attempt."""

    def __init__(self, sink: SpanSink) -> None:
        self._sink = sink

    def __call__(self, message: StoredMessage, started_ms: int, number: int) -> Headers:
        """Returns the headers of the nth attempt that starts in this millisecond."""
        given = message.options.headers
        # A sampler may raise anything, and a delivery must not depend on it.
        with contextlib.suppress(Exception):
            shown = redaction.headers(message.options.redact, as_lists(given))
            trace = trace_of(message.id, shown)
            has_context = any(name.lower() == _CONTEXT[0] for name, _ in given)
            # A context that is redacted or invalid is not ours to replace.
            if trace.is_given == has_context and self._sink.is_sampled(trace):
                others = ((n, v) for n, v in given if n.lower() not in _CONTEXT)
                attempt = trace.attempt(started_ms, number)._replace(is_sampled=True)
                return (*others, *attempt.headers())
        return given

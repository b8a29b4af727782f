"""Retries many DLQ entries, and yields their new messages one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from qstash_cli.cli.context import Context
from qstash_cli.client.api import dlq
from qstash_cli.client.api.filters import Filter, id_chunks
from qstash_cli.commands.common.cursor_pages import REPEATED, pages
from qstash_cli.errors import PartlyDone, QstashError
from qstash_cli.output.meter import Measured
from qstash_cli.output.result import Result
from qstash_cli.protocol.options import MessageOptions

if TYPE_CHECKING:
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.protocol.records import Published, Retried


class Publisher(Protocol):
    """Creates the result of a retry, which may wait for the delivery of its messages.

    `incomplete` is called after the last id; it returns the error for entries that were not
    retried.
    """

    def __call__(
        self,
        published: Published | Iterable[Published],
        *,
        incomplete: Callable[[], QstashError | None] = ...,
    ) -> Result: ...


def retry_ids(
    ctx: Context,
    dlq_ids: Sequence[str],
    options: MessageOptions,
    as_result: Publisher,
    *,
    later: str,
) -> Result:
    """Retries DLQ entries by their ids, in one request per hundred.

    Raises `BadInput` for an invalid id before sending anything.
    """
    chunks = id_chunks(dlq_ids)
    if len(chunks) == 1 and len(chunks[0]) == 1:
        return ctx.write_all([dlq.retry(chunks[0][0], options)], as_result, later=later)
    retries = _Retries(ctx, as_result, total=sum(map(len, chunks)))
    return ctx.write_all(
        [dlq.retry_many(chunk, options) for chunk in chunks], retries.result, later=later
    )


def retry_matching(
    ctx: Context, criteria: Filter, options: MessageOptions, as_result: Publisher, *, later: str
) -> Result:
    """Retries every matching DLQ entry."""
    request = dlq.retry_matching(criteria, options)

    def run(send: Send) -> Result:
        return _Retries(ctx, as_result, total=None).result(pages(send, request, _size))

    return ctx.perform([request], run, later="; ".join(filter(None, [REPEATED, later])))


class _Retries:
    """Counts the retried entries, of `total` ids or, if None, of all matches of a filter."""

    def __init__(self, ctx: Context, as_result: Publisher, *, total: int | None) -> None:
        self._ctx = ctx
        self._as_result = as_result
        self._total = total
        self._done = 0
        self._meter = ctx.meter("entries retried")
        self._failure: QstashError | None = None

    def result(self, responses: Iterable[Retried]) -> Result:
        """Returns the result with the published messages, even if some entries were not retried."""
        return self._as_result(self._published(iter(responses)), incomplete=self._incomplete)

    def _published(self, responses: Iterator[Retried]) -> Iterator[Published]:
        while True:
            try:
                response = self._next(responses)
            except QstashError as error:
                if not self._done:
                    raise
                self._failure = PartlyDone(
                    f"{self._count()}, then: {error.message}", hint=error.hint, status=error.status
                )
                return
            if response is None:
                return
            self._done += _size(response)
            yield from response["responses"]

    def _next(self, responses: Iterator[Retried]) -> Retried | None:
        if not self._done:
            return next(responses, None)
        self._meter.update(Measured(done=self._done, total=self._total))
        # The meter must be gone before rows are written.
        with self._ctx.measuring(self._meter):
            return next(responses, None)

    def _incomplete(self) -> QstashError | None:
        if self._failure is not None or self._total is None or self._done >= self._total:
            return self._failure
        return PartlyDone(
            self._count(), hint="QStash does not report which; `qstash dlq list` shows the rest"
        )

    def _count(self) -> str:
        of = f" of {self._total:,}" if self._total is not None else ""
        return f"{self._done:,}{of} entries {'was' if self._done == 1 else 'were'} retried"


def _size(response: Retried) -> int:
    return len(response["responses"])

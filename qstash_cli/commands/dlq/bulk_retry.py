"""`dlq retry` of many entries: their new messages, one by one, and what was not retried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.client.api import dlq
from qstash_cli.client.api.filters import Filter, id_chunks
from qstash_cli.commands.common import publishing
from qstash_cli.commands.common.cursor_pages import REPEATED, pages
from qstash_cli.commands.common.deliveries import FOLLOWED
from qstash_cli.commands.common.options import PublishWaitOptions
from qstash_cli.errors import PartlyDone, QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.options import MessageOptions

if TYPE_CHECKING:
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.protocol.records import Published, Retried


def retry_ids(
    ctx: Context, dlq_ids: Sequence[str], options: MessageOptions, waiting: PublishWaitOptions
) -> Result:
    """Retries DLQ entries by their ids, in a request for each hundred.

    Raises `BadInput` for a wrong id before anything is sent.
    """
    later = FOLLOWED if waiting.wait else ""
    chunks = id_chunks(dlq_ids)
    if len(chunks) == 1 and len(chunks[0]) == 1:
        request = dlq.retry(chunks[0][0], options)
        return ctx.write_all(
            [request], lambda responses: publishing.result_of(ctx, responses, waiting), later=later
        )
    retries = _Retries(ctx, total=sum(map(len, chunks)))
    return ctx.write_all(
        [dlq.retry_many(chunk, options) for chunk in chunks],
        lambda responses: retries.result(responses, waiting),
        later=later,
    )


def retry_matching(
    ctx: Context, wanted: Filter, options: MessageOptions, waiting: PublishWaitOptions
) -> Result:
    """Retries every DLQ entry that matches."""
    request = dlq.retry_matching(wanted, options)

    def run(send: Send) -> Result:
        return _Retries(ctx, total=None).result(pages(send, request, _size), waiting)

    return ctx.perform(
        [request], run, later="; ".join([REPEATED, *([FOLLOWED] if waiting.wait else [])])
    )


class _Retries:
    """How many entries were retried, of `total` ids or of those that match a filter."""

    def __init__(self, ctx: Context, *, total: int | None) -> None:
        self._ctx = ctx
        self._total = total
        self._done = 0
        self._failure: QstashError | None = None

    def result(self, responses: Iterable[Retried], waiting: PublishWaitOptions) -> Result:
        """The messages as they are published, whether or not all entries could be retried."""
        return publishing.result_of(
            self._ctx, self._published(iter(responses)), waiting, incomplete=self._incomplete
        )

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
        # The line is gone while rows are written.
        with self._ctx.status() as line:
            if self._done:
                line.update(f"retried {self._done:,}")
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

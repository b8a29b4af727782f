"""Retries many DLQ entries, and yields their new messages one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from qstash_cli.cli.context import Context
from qstash_cli.client.api import dlq
from qstash_cli.client.api.filters import Filter, id_chunks
from qstash_cli.commands.common.bulk_records import BulkAction, BulkRecords
from qstash_cli.commands.common.cursor_pages import REPEATED, pages
from qstash_cli.commands.common.views import DLQ, PUBLISHED, matching
from qstash_cli.errors import QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.options import MessageOptions

if TYPE_CHECKING:
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.protocol.records import Published

_RETRY = BulkAction("responses", "retried", "qstash dlq list")


class Publisher(Protocol):
    """Creates the result of a retry, which may wait for the delivery of its messages.

    `incomplete` is called after the last id; it returns the error for entries that were not
    retried.
    """

    def __call__(
        self,
        published: Published | Iterable[Published],
        /,
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
    retries = BulkRecords(ctx, _RETRY, as_result, total=sum(map(len, chunks)))
    return ctx.write_all(
        [dlq.retry_many(chunk, options) for chunk in chunks], retries.result, later=later
    )


def retry_matching(
    ctx: Context, criteria: Filter, options: MessageOptions, as_result: Publisher, *, later: str
) -> Result:
    """Retries every matching DLQ entry."""
    request = dlq.retry_matching(criteria, options)

    def run(send: Send) -> Result:
        retries = BulkRecords(ctx, _RETRY, as_result, total=None)
        result = retries.result(pages(send, request, retries.size))
        return result._replace(view=matching(PUBLISHED._replace(empty=DLQ.empty), criteria))

    return ctx.perform([request], run, later="; ".join(filter(None, [REPEATED, later])))

"""Cancels and deletes messages in bulk, and counts them.

Ids are sent in one request per hundred. Matches of a filter are deleted page by page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from qstash_cli.cli.context import Context
from qstash_cli.cli.exchanges import Send
from qstash_cli.client.api import messages
from qstash_cli.client.api.filters import id_chunks
from qstash_cli.client.request import Request
from qstash_cli.commands.common.bulk_cancel import CANCELLED
from qstash_cli.commands.common.cursor_pages import REPEATED, pages
from qstash_cli.commands.common.views import DELETED
from qstash_cli.errors import Interrupted, NotFound, PartlyDone, QstashError
from qstash_cli.output.meter import Measured
from qstash_cli.output.result import Result, View
from qstash_cli.protocol.numbers import amount

if TYPE_CHECKING:
    from qstash_cli.protocol.records import Deleted

T = TypeVar("T")


class Deletes(NamedTuple):
    """The requests that delete DLQ entries by id."""

    one: Callable[[str], Request[None]]
    many: Callable[[Sequence[str]], Request[Deleted]]


class CountedAction(NamedTuple):
    """The field of the result with the count, and the words for the count."""

    view: View
    field: str
    nouns: str
    noun: str
    rest: str
    none: str


_CANCELS = CountedAction(
    CANCELLED, "cancelled", "messages", "message",
    rest="the others are finished or unknown", none="all of them are finished or unknown",
)  # fmt: skip
DELETES = CountedAction(
    DELETED, "deleted", "entries", "DLQ entry",
    rest="the others are not in the dead letter queue", none="`qstash dlq list` shows the entries",
)  # fmt: skip
_WHICH = "QStash does not report which"


def cancel_ids(ctx: Context, message_ids: Sequence[str]) -> Result:
    """Cancels messages by their ids.

    Raises `BadInput` for an invalid id before sending anything.
    """
    chunks = id_chunks(message_ids)
    if len(chunks) == 1 and len(chunks[0]) == 1:
        return ctx.write(
            messages.cancel(chunks[0][0]),
            lambda response: _result(response["cancelled"], _CANCELS),
        )
    return _send(
        ctx,
        [messages.cancel_many(chunk) for chunk in chunks],
        chunks,
        itemgetter("cancelled"),
        _CANCELS,
    )


def delete_ids(
    ctx: Context, dlq_ids: Sequence[str], requests: Deletes, kind: CountedAction = DELETES
) -> Result:
    """Deletes DLQ entries by their ids. Raises `BadInput` like `cancel_ids`."""
    chunks = id_chunks(dlq_ids)
    if len(chunks) == 1 and len(chunks[0]) == 1:
        return ctx.write(requests.one(chunks[0][0]), lambda _empty: _result(1, kind))
    return _send(
        ctx, [requests.many(chunk) for chunk in chunks], chunks, itemgetter("deleted"), kind
    )


def _send(
    ctx: Context,
    requests: Sequence[Request[T]],
    chunks: Sequence[Sequence[str]],
    count: Callable[[T], int],
    kind: CountedAction,
) -> Result:
    total = sum(map(len, chunks))
    return ctx.write_all(
        requests, lambda responses: _counted(ctx, map(count, responses), total, kind)
    )


def delete_matching(
    ctx: Context, request: Request[Deleted], kind: CountedAction = DELETES
) -> Result:
    """Deletes every DLQ entry that the request selects, page by page."""

    def run(send: Send) -> Result:
        deleted = (page["deleted"] for page in pages(send, request, itemgetter("deleted")))
        return _counted(ctx, deleted, None, kind)

    return ctx.perform([request], run, later=REPEATED)


def _counted(ctx: Context, counts: Iterator[int], total: int | None, kind: CountedAction) -> Result:
    """Returns the sum of the counts, even if an error interrupts the requests.

    `total` is None for a filter.
    """
    done = 0
    stopped_by: QstashError | None = None
    try:
        with ExitStack() as displayed:
            meter = ctx.meter(f"{kind.nouns} {kind.field}")
            for number, count in enumerate(counts):
                done += count
                meter.update(Measured(done=done, total=total))
                # The only request of a small operation needs no meter.
                if number == 0 and (total is None or done < total):
                    displayed.enter_context(ctx.measuring(meter))
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {_count(done, total, kind)}") from None
    except QstashError as error:
        if not done:
            raise
        stopped_by = error
    failure = _failure(done, total, kind, stopped_by)
    return _result(done, kind)._replace(error=failure)


def _result(done: int, kind: CountedAction) -> Result:
    sentence = f"{kind.field.capitalize()} {amount(done, kind.noun)}"
    return Result(data={kind.field: done}, view=kind.view, done=sentence)


def _count(done: int, total: int | None, kind: CountedAction) -> str:
    of = f" of {total:,}" if total is not None else ""
    were = "was" if done == 1 else "were"
    return f"{done:,}{of} {kind.nouns} {were} {kind.field}"


def _failure(
    done: int, total: int | None, kind: CountedAction, stopped_by: QstashError | None
) -> QstashError | None:
    if stopped_by is not None:
        return PartlyDone(
            f"{_count(done, total, kind)}, then: {stopped_by.message}",
            hint=stopped_by.hint,
            status=stopped_by.status,
        )
    if total is None or done >= total:
        return None
    if not done:
        return NotFound(f"none of {total:,} {kind.nouns} was {kind.field}", hint=kind.none)
    return PartlyDone(_count(done, total, kind), hint=f"{kind.rest}; {_WHICH}")

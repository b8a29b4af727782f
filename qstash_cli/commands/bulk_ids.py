"""Cancels and deletes by several ids: a request for each hundred, and a count of what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from qstash_cli.client import dlq, messages
from qstash_cli.client.filters import id_chunks
from qstash_cli.client.request import Request
from qstash_cli.commands._views import DELETED
from qstash_cli.commands.bulk_cancel import CANCELLED
from qstash_cli.errors import NotFound, PartlyDone, QstashError
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Result, View


class Kind(NamedTuple):
    """What is counted, in the response and in words."""

    view: View
    field: str
    nouns: str
    rest: str


_CANCELS = Kind(CANCELLED, "cancelled", "messages", "the others are finished or unknown")
_DELETES = Kind(DELETED, "deleted", "entries", "the others are not in the dead letter queue")
_WHICH = "QStash does not say which"


def cancel_ids(inv: Invocation, message_ids: Sequence[str]) -> Result:
    """Cancels messages by their ids. Raises `BadInput` for a wrong one before anything is sent."""
    chunks = id_chunks(message_ids)
    if len(chunks) == 1 and len(chunks[0]) == 1:
        return inv.write(
            messages.cancel(chunks[0][0]),
            lambda answer: Result(data={"cancelled": answer["cancelled"]}, view=CANCELLED),
        )
    return _send(inv, [messages.cancel_many(chunk) for chunk in chunks], chunks, _CANCELS)


def delete_ids(inv: Invocation, dlq_ids: Sequence[str]) -> Result:
    """Deletes DLQ entries by their ids. Raises `BadInput` as `cancel_ids` does."""
    chunks = id_chunks(dlq_ids)
    if len(chunks) == 1 and len(chunks[0]) == 1:
        request = dlq.delete(chunks[0][0])
        return inv.write(request, lambda _empty: Result(data={"deleted": 1}, view=DELETED))
    return _send(inv, [dlq.delete_many(chunk) for chunk in chunks], chunks, _DELETES)


def _send(
    inv: Invocation, requests: Sequence[Request[Any]], chunks: Sequence[Sequence[str]], kind: Kind
) -> Result:
    total = sum(map(len, chunks))
    return inv.write_all(requests, lambda answers: _counted(answers, total, kind))


def _counted(answers: Iterator[Any], total: int, kind: Kind) -> Result:
    done, stopped_by = 0, None
    try:
        for answer in answers:
            done += answer[kind.field]
    except QstashError as error:
        if not done:
            raise
        stopped_by = error
    failure = _failure(done, total, kind, stopped_by)
    return Result(data={kind.field: done}, view=kind.view, failure=failure)


def _failure(
    done: int, total: int, kind: Kind, stopped_by: QstashError | None
) -> QstashError | None:
    were = "was" if done == 1 else "were"
    count = f"{done:,} of {total:,} {kind.nouns} {were} {kind.field}"
    if stopped_by is not None:
        return PartlyDone(
            f"{count}, then: {stopped_by.message}", hint=stopped_by.hint, status=stopped_by.status
        )
    if not done:
        return NotFound(
            f"none of {total:,} {kind.nouns} was {kind.field}",
            hint=kind.rest.replace("the others", "all of them"),
        )
    return PartlyDone(count, hint=f"{kind.rest}; {_WHICH}") if done < total else None

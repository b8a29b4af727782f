"""The dead letter queue: list, get, retry and delete its entries."""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.client.api.filters import Filter, id_query, query
from qstash_cli.client.request import Request
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.records import Deleted, DlqEntry, DlqMessage, DlqPage, Published, Retried

PAGE = 100


def entries(criteria: Filter) -> Request[DlqEntry]:
    """Returns the request for the pages of matching entries."""
    return Request(
        method="GET",
        path="/v2/dlq",
        query=(*query(criteria), ("count", str(PAGE))),
        items="messages",
        response=DlqEntry,
    )


def first_page(criteria: Filter) -> Request[DlqPage]:
    """Returns the request for the first page of matching entries, as one response."""
    return Request(
        method="GET",
        path="/v2/dlq",
        query=(*query(criteria), ("count", str(PAGE))),
        response=DlqPage,
    )


def get(dlq_id: str) -> Request[DlqMessage]:
    """Returns the request for an entry."""
    return Request(method="GET", path=f"/v2/dlq/{validate_id(dlq_id, 'DLQ')}", response=DlqMessage)


def retry(dlq_id: str, options: MessageOptions) -> Request[Published]:
    """Returns the request that publishes the message of an entry again, under a new id.

    `options` replace those of the original message.
    """
    return Request(
        method="POST",
        path=f"/v2/dlq/retry/{validate_id(dlq_id, 'DLQ')}",
        headers=encode(options),
        repeatable=False,
        response=Published,
    )


def retry_many(dlq_ids: Sequence[str], options: MessageOptions) -> Request[Retried]:
    """Returns the request that retries up to 100 entries by their ids.

    QStash rejects the whole request if one id is unknown.
    """
    checked = [validate_id(one, "DLQ") for one in dlq_ids]
    return Request(
        method="POST",
        path="/v2/dlq/retry",
        query=id_query("dlqIds", checked),
        headers=encode(options),
        repeatable=False,
        response=Retried,
    )


def retry_matching(criteria: Filter, options: MessageOptions) -> Request[Retried]:
    """Returns the request that retries up to 100 matching entries; an empty filter matches all."""
    return Request(
        method="POST",
        path="/v2/dlq/retry",
        query=(*query(criteria), ("count", str(PAGE))),
        headers=encode(options),
        repeatable=False,
        response=Retried,
    )


def delete(dlq_id: str) -> Request[None]:
    """Returns the request that deletes an entry."""
    return Request(method="DELETE", path=f"/v2/dlq/{validate_id(dlq_id, 'DLQ')}")


def delete_many(dlq_ids: Sequence[str]) -> Request[Deleted]:
    """Returns the request that deletes up to 100 entries by their ids; unknown ids do not count."""
    checked = [validate_id(one, "DLQ") for one in dlq_ids]
    return Request(
        method="DELETE",
        path="/v2/dlq",
        query=id_query("dlqIds", checked),
        repeatable=False,
        response=Deleted,
    )


def delete_matching(criteria: Filter) -> Request[Deleted]:
    """Returns the request that deletes up to 100 matching entries; an empty filter matches all."""
    return Request(
        method="DELETE",
        path="/v2/dlq",
        query=(*query(criteria), ("count", str(PAGE))),
        response=Deleted,
    )

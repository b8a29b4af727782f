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


def entries(wanted: Filter) -> Request[DlqEntry]:
    """Pages of the matching entries."""
    return Request(
        method="GET",
        path="/v2/dlq",
        query=(*query(wanted), ("count", str(PAGE))),
        items="messages",
        response=DlqEntry,
    )


def first_page(wanted: Filter) -> Request[DlqPage]:
    """The first page of the entries that match, as QStash returns it."""
    return Request(
        method="GET", path="/v2/dlq", query=(*query(wanted), ("count", str(PAGE))), response=DlqPage
    )


def get(dlq_id: str) -> Request[DlqMessage]:
    """One entry."""
    return Request(method="GET", path=f"/v2/dlq/{validate_id(dlq_id, 'DLQ')}", response=DlqMessage)


def retry(dlq_id: str, options: MessageOptions) -> Request[Published]:
    """Publishes the message of an entry again, under a new id; `options` replace its own."""
    return Request(
        method="POST",
        path=f"/v2/dlq/retry/{validate_id(dlq_id, 'DLQ')}",
        headers=encode(options),
        repeatable=False,
        response=Published,
    )


def retry_many(dlq_ids: Sequence[str], options: MessageOptions) -> Request[Retried]:
    """Retries up to 100 entries by their ids; QStash refuses them if one is unknown."""
    checked = [validate_id(one, "DLQ") for one in dlq_ids]
    return Request(
        method="POST",
        path="/v2/dlq/retry",
        query=id_query("dlqIds", checked),
        headers=encode(options),
        repeatable=False,
        response=Retried,
    )


def retry_matching(wanted: Filter, options: MessageOptions) -> Request[Retried]:
    """Retries up to 100 matching entries; an empty filter means every entry."""
    return Request(
        method="POST",
        path="/v2/dlq/retry",
        query=(*query(wanted), ("count", str(PAGE))),
        headers=encode(options),
        repeatable=False,
        response=Retried,
    )


def delete(dlq_id: str) -> Request[None]:
    """Deletes one entry."""
    return Request(method="DELETE", path=f"/v2/dlq/{validate_id(dlq_id, 'DLQ')}")


def delete_many(dlq_ids: Sequence[str]) -> Request[Deleted]:
    """Deletes up to 100 entries by their ids; those that are unknown do not count."""
    checked = [validate_id(one, "DLQ") for one in dlq_ids]
    return Request(
        method="DELETE",
        path="/v2/dlq",
        query=id_query("dlqIds", checked),
        repeatable=False,
        response=Deleted,
    )


def delete_matching(wanted: Filter) -> Request[Deleted]:
    """Deletes up to 100 matching entries; an empty filter means every entry."""
    return Request(
        method="DELETE",
        path="/v2/dlq",
        query=(*query(wanted), ("count", str(PAGE))),
        response=Deleted,
    )

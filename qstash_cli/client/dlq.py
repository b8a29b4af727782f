"""The dead letter queue: list, get, retry and delete its entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.client.filters import Filter, query
from qstash_cli.client.request import Request
from qstash_cli.protocol.ids import check_id
from qstash_cli.protocol.options import MessageOptions, encode

if TYPE_CHECKING:
    from qstash_cli.protocol.records import Deleted, DlqEntry, Published, Retried

PAGE = 100


def entries(wanted: Filter) -> Request[DlqEntry]:
    """Pages of the entries that fit."""
    return Request(
        method="GET",
        path="/v2/dlq",
        query=(*query(wanted), ("count", str(PAGE))),
        items="messages",
    )


def get(dlq_id: str) -> Request[DlqEntry]:
    """One entry."""
    return Request(method="GET", path=f"/v2/dlq/{check_id(dlq_id, 'DLQ')}")


def retry(dlq_id: str, options: MessageOptions) -> Request[Published]:
    """Publishes the message of an entry again, under a new id; `options` replace its own."""
    return Request(
        method="POST",
        path=f"/v2/dlq/retry/{check_id(dlq_id, 'DLQ')}",
        headers=encode(options),
        repeatable=False,
    )


def retry_matching(wanted: Filter, options: MessageOptions) -> Request[Retried]:
    """Retries up to 100 entries that fit; an empty filter means every entry."""
    return Request(
        method="POST",
        path="/v2/dlq/retry",
        query=(*query(wanted), ("count", str(PAGE))),
        headers=encode(options),
        repeatable=False,
    )


def delete(dlq_id: str) -> Request[None]:
    """Deletes one entry."""
    return Request(method="DELETE", path=f"/v2/dlq/{check_id(dlq_id, 'DLQ')}")


def delete_matching(wanted: Filter) -> Request[Deleted]:
    """Deletes up to 100 entries that fit; an empty filter means every entry."""
    return Request(
        method="DELETE",
        path="/v2/dlq",
        query=(*query(wanted), ("count", str(PAGE))),
    )

"""Bulk actions: cancellations by filter, which QStash performs in the background."""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.client.request import Request
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.records import BulkAction


def list_all(*, states: Sequence[str] = ()) -> Request[BulkAction]:
    """Returns the request for the bulk actions of the last seven days, newest first, in pages.

    The states filter each page separately, so a page may be empty without being the last.
    """
    return Request(
        method="GET",
        path="/v2/bulkActions",
        query=tuple(("state", state) for state in states),
        items="bulkActions",
        response=BulkAction,
    )


def get(action_id: str) -> Request[BulkAction]:
    """Returns the request for a bulk action."""
    return Request(
        method="GET",
        path=f"/v2/bulkActions/{validate_id(action_id, 'bulk action')}",
        response=BulkAction,
    )

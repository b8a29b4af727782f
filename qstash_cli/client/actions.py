"""Bulk actions: cancels by filter, which QStash goes on with after its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.client.request import Request
from qstash_cli.protocol.ids import check_id

if TYPE_CHECKING:
    from qstash_cli.protocol.records import BulkAction


def every() -> Request[BulkAction]:
    """The bulk actions of the last seven days, newest first, page by page."""
    return Request(method="GET", path="/v2/bulkActions", items="bulkActions")


def get(action_id: str) -> Request[BulkAction]:
    """One bulk action."""
    return Request(method="GET", path=f"/v2/bulkActions/{check_id(action_id, 'bulk action')}")

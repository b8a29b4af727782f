"""The log of what happened to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.client.filters import Filter, query
from qstash_cli.client.request import Request

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

PAGE = 1000


def entries(wanted: Filter, *, page: int = PAGE) -> Request[LogEntry]:
    """Pages of the entries that fit, newest first."""
    return Request(
        method="GET",
        path="/v2/logs",
        query=(*query(wanted), ("count", str(page))),
        items="logs",
    )

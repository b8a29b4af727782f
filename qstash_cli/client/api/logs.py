"""The log of message events."""

from __future__ import annotations

from qstash_cli.client.api.filters import Filter, query
from qstash_cli.client.request import Request
from qstash_cli.protocol.records import LogEntry

PAGE = 1000
_TRIMMED = (("trimBody", "0"),)


def entries(criteria: Filter, *, page: int = PAGE, with_bodies: bool = True) -> Request[LogEntry]:
    """Returns the request for the pages of matching entries, newest first.

    Entries are smaller without the bodies of messages and responses.
    """
    return Request(
        method="GET",
        path="/v2/logs",
        query=(*query(criteria), ("count", str(page)), *(() if with_bodies else _TRIMMED)),
        items="logs",
        response=LogEntry,
    )

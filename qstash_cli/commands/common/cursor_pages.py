"""Bulk operations that QStash performs page by page, until a response has no cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from qstash_cli.client.request import Request
from qstash_cli.errors import QstashError

Page = TypeVar("Page", bound=Mapping[str, object])

# The remark of a preview about the requests for further pages.
REPEATED = "repeated while the response has a cursor"


class CursorLimits(NamedTuple):
    """When to stop requesting pages from a server that never reports an end.

    `requests` allows for a million entries. Pages may be empty, since a filter may apply to each
    page separately, but at most `empty` of them in a row.
    """

    requests: int = 10_000
    empty: int = 500


_LIMITS = CursorLimits()


def pages(
    send: Callable[[Request[Page]], Page],
    request: Request[Page],
    size: Callable[[Page], int],
    *,
    limits: CursorLimits = _LIMITS,
) -> Iterator[Page]:
    """Yields the responses to a request and to those for the following pages.

    `size` returns the number of entries of a response. Raises `QstashError` for a cursor that
    repeats, and for more pages than the limits allow.
    """
    seen: set[str] = set()
    empty = 0
    for _ in range(limits.requests):
        page = send(request)
        yield page
        cursor = str(page.get("cursor") or "")
        if not cursor:
            return
        empty = 0 if size(page) else empty + 1
        if cursor in seen:
            raise _endless(f"QStash returned the same cursor twice: {cursor}")
        if empty >= limits.empty:
            raise _endless(f"QStash returned a cursor with {empty:,} empty pages in a row")
        seen.add(cursor)
        request = request.with_query(("cursor", cursor))
    raise _endless(f"there is more after {limits.requests:,} requests")


def _endless(message: str) -> QstashError:
    return QstashError(
        message,
        hint="run the command again to continue with the remaining entries",
    )

"""A call of the API before it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]

# Of the lists that have pages, the shortest default. Source: QStash OpenAPI document.
_DEFAULT_PAGE = 100
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_DEDUPLICATION_ID = "upstash-deduplication-id"
_DEDUPLICATION_BY_CONTENT = "upstash-content-based-deduplication"


@dataclass(frozen=True, kw_only=True)
class Request(Generic[T]):
    """A request whose response is a `T`.

    `response` is that type as a value, which responses are checked against: that of an entry where
    the request has pages, None where any response will do.
    `path` goes on the wire byte for byte, with a destination at its end where there is one.
    `repeatable` declares whether sending it twice has the effect and the response of sending it
    once; None leaves that to `is_repeatable`. `items` names the list in the answer of a paged
    request. `runs_in_background` says that a 429 without the headers of a rate limit means that
    QStash still does what was asked.
    """

    method: str
    path: str
    query: Pairs = ()
    headers: Pairs = ()
    body: bytes = b""
    repeatable: bool | None = None
    items: str = ""
    response: Any = None
    runs_in_background: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again when it is not known whether it was processed.

        Unless declared otherwise, that is so for reads and for what QStash deduplicates.
        """
        if self.repeatable is not None:
            return self.repeatable
        return self.method in _SAFE_METHODS or any(
            name.lower() == _DEDUPLICATION_ID
            or (name.lower() == _DEDUPLICATION_BY_CONTENT and value.lower() == "true")
            for name, value in self.headers
        )

    def with_smaller_page(self) -> Request[T] | None:
        """The same request for a tenth of the entries in a page, None if it asks for one."""
        count = int(dict(self.query).get("count", _DEFAULT_PAGE))
        return self.with_query(("count", str(max(1, count // 10)))) if count > 1 else None

    def with_query(self, *pairs: tuple[str, str]) -> Request[T]:
        """The same request, with these parameters in place of those of the same names."""
        names = {name for name, _ in pairs}
        kept = tuple(pair for pair in self.query if pair[0] not in names)
        return replace(self, query=kept + pairs)

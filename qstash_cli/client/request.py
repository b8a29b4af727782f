"""A request to QStash's API, as a value."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

T_co = TypeVar("T_co", covariant=True)
Pairs = tuple[tuple[str, str], ...]

# The shortest default of the lists with pages. Source: QStash OpenAPI document.
_DEFAULT_PAGE = 100
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_DEDUPLICATION_ID = "upstash-deduplication-id"
_DEDUPLICATION_BY_CONTENT = "upstash-content-based-deduplication"
# Every printable ASCII character: the path contains the destination exactly as given.
_UNQUOTED = "".join(chr(code) for code in range(0x21, 0x7F))


class Request(NamedTuple, Generic[T_co]):
    """A request whose response is a `T_co`.

    `response` is that type as a value, against which responses are validated: the type of an entry
    if the request has pages, or None if any response is accepted. `path` is sent byte for byte, and
    may end with the destination. `repeatable` declares whether sending the request twice has the
    same effect and response as sending it once; None leaves that to `is_repeatable`. `items` names
    the list in a paged response. `runs_in_background` means that QStash continues the operation
    after a 429 without rate limit headers.
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
        """Whether the request may be sent again although it may have been processed.

        Unless declared otherwise, this is true for reads and for writes that QStash deduplicates.
        """
        if self.repeatable is not None:
            return self.repeatable
        return self.method in _SAFE_METHODS or any(
            name.lower() == _DEDUPLICATION_ID
            or (name.lower() == _DEDUPLICATION_BY_CONTENT and value.lower() == "true")
            for name, value in self.headers
        )

    @property
    def target(self) -> str:
        """The path and query as they are sent."""
        path = quote(self.path, safe=_UNQUOTED)
        if not self.query:
            return path
        pairs = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in self.query)
        return f"{path}{'&' if '?' in path else '?'}{pairs}"

    def with_smaller_page(self) -> Request[T_co] | None:
        """Returns the request with a tenth of the entries per page.

        Returns None if it already asks for one entry.
        """
        count = int(dict(self.query).get("count", _DEFAULT_PAGE))
        return self.with_query(("count", str(max(1, count // 10)))) if count > 1 else None

    def with_query(self, *pairs: tuple[str, str]) -> Request[T_co]:
        """Returns the request with these query parameters, replacing those of the same names."""
        names = {name for name, _ in pairs}
        kept = tuple(pair for pair in self.query if pair[0] not in names)
        return self._replace(query=kept + pairs)

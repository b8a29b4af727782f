"""A call of the API before it is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Generic, TypeVar

from qstash_cli.frozen import dataclass

T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Request(Generic[T]):
    """A request whose answer is a `T`.

    `path` goes on the wire byte for byte, with a destination at its end where there is one.
    `repeatable` says that sending it twice does no more than sending it once, so that it may be
    sent again when an answer was lost. `items` names the list in the answer of a paged request.
    """

    method: str
    path: str
    query: Pairs = ()
    headers: Pairs = ()
    body: bytes = b""
    repeatable: bool = True
    items: str = ""

    def with_query(self, *pairs: tuple[str, str]) -> Request[T]:
        """The same request, with these parameters in place of those of the same names."""
        names = {name for name, _ in pairs}
        kept = tuple(pair for pair in self.query if pair[0] not in names)
        return replace(self, query=kept + pairs)

"""Limits long lists, and reports that they were limited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from qstash_cli.cli.flags import flag
from qstash_cli.errors import QstashError
from qstash_cli.output.result import Result, View
from qstash_cli.protocol.numbers import parse_count

T = TypeVar("T")

# The remark of a preview about the requests after that for the first page.
MORE_PAGES = "repeated with the cursor of the response as long as it has one"


@dataclass(frozen=True, kw_only=True)
class PagingOptions:
    """The number of items."""

    limit: int = flag(
        "Maximum number of entries [default: 100]", metavar="N", parse=parse_count, default=100
    )
    all: bool = flag("List everything")


@dataclass(frozen=True, kw_only=True)
class DlqListOptions:
    """The exit code of a list."""

    fail_if_any: bool = flag("Exit with 1 if there are entries")


class LimitedList(Generic[T]):
    """The items up to the limit of `--limit`, read on demand: the `first` ones, such as newest."""

    def __init__(self, items: Iterable[T], paging: PagingOptions, *, first: str = "newest") -> None:
        self._items = items
        self._first = first
        self._paging = paging
        self._is_cut = False

    def __iter__(self) -> Iterator[T]:
        for number, item in enumerate(self._items):
            if number == self._paging.limit and not self._paging.all:
                self._is_cut = True
                return
            yield item

    def footer(self) -> str | None:
        """Returns the note after the last item, or None if there are no more items."""
        if not self._is_cut:
            return None
        return f"showing the {self._first} {self._paging.limit}; use --all for the rest"


def dlq_list(
    entries: Iterable[Mapping[str, Any]], view: View, paging: PagingOptions, options: DlqListOptions
) -> Result:
    """Returns the result of a command that lists DLQ entries."""
    page = LimitedList(entries, paging, first="oldest")
    if not options.fail_if_any:
        return Result(data=page, view=view, footer=page.footer)
    found = list(page)
    failure = QstashError(f"{len(found)} in the dead letter queue") if found else None
    return Result(data=found, view=view, footer=page.footer, error=failure)

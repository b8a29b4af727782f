"""Detects lists whose pages never end."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple, get_origin, get_type_hints


class PageLimits(NamedTuple):
    """Limits for the pages of a list: in `total`, `empty` in a row, and `repeated` in a row.

    The total allows ten million DLQ entries, or a hundred million log entries. Pages may be empty
    if a filter applies to each page separately: the limit allows twenty thousand bulk actions, none
    of which is in progress. A page is repeated if an earlier page had the same entries.
    """

    total: int = 100_000
    empty: int = 200
    repeated: int = 3


PAGE_LIMITS = PageLimits()


class PageCounter:
    """Counts the pages of one list, whose entries have the required fields of the type `shape`.

    Keeps two numbers for each page. Entries with the same required fields are equal, except for
    fields that are lists, such as the steps of a run.
    """

    def __init__(self, shape: Any, limits: PageLimits) -> None:
        hints = get_type_hints(shape)
        compared = (name for name in shape.__required_keys__ if get_origin(hints[name]) is not list)
        self._pick = itemgetter(*sorted(compared))
        self._limits = limits
        self._fingerprints: set[int] = set()
        self._cursors: set[int] = set()
        self._pages = self._entries = self._empty = self._repeated = 0

    def problem(self, entries: Sequence[Any], cursor: str) -> str:
        """Returns the reason not to request the next page, or an empty string."""
        self._pages += 1
        self._entries += len(entries)
        found = self._problem_of(entries, cursor)
        so_far = f"after {self._entries:,} entries in {self._pages:,} pages"
        return f"{found} ({so_far})" if found else ""

    def _problem_of(self, entries: Sequence[Any], cursor: str) -> str:
        self._empty = 0 if entries else self._empty + 1
        fingerprint, cursor_hash = hash(tuple(map(self._pick, entries))), hash(cursor)
        is_repeated = bool(entries) and fingerprint in self._fingerprints
        self._repeated = self._repeated + 1 if is_repeated else 0
        if cursor_hash in self._cursors:
            return "a cursor came for the second time"
        if self._empty >= self._limits.empty:
            return f"{self._empty:,} pages in a row were empty"
        if self._repeated >= self._limits.repeated:
            return f"{self._repeated:,} pages in a row had the entries of earlier pages"
        if self._pages >= self._limits.total:
            return f"more than {self._limits.total:,} pages"
        self._fingerprints.add(fingerprint)
        self._cursors.add(cursor_hash)
        return ""

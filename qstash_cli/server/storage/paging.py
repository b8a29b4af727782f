"""Pages of rows that are limited in bytes.

A body may have 50 MB. A page that is long in bytes ends before it has the requested number of
entries, with a cursor; only a single entry may be longer than the limit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

PAGE_BYTES = 4 * 1_048_576


def take_page(
    rows: Iterable[sqlite3.Row], count: int, columns: Sequence[str], limit: int = PAGE_BYTES
) -> tuple[list[sqlite3.Row], bool]:
    """Returns the first rows, and whether there are more.

    Takes at most `count` rows, with at most `limit` bytes in `columns`, but at least the first row.
    """
    taken: list[sqlite3.Row] = []
    total = 0
    for row in rows:
        total += size_of([row], columns)
        if len(taken) == count or (taken and total > limit):
            return taken, True
        taken.append(row)
    return taken, False


def size_of(rows: Iterable[sqlite3.Row], columns: Sequence[str]) -> int:
    """Returns the number of bytes in these columns."""
    values = (row[column] for row in rows for column in columns)
    # SQLite enforces no types: a damaged row may have numbers in columns of text.
    return sum(len(value) for value in values if isinstance(value, str | bytes))

"""Cutting a list that may be long, and saying so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from qstash_cli.commands._options import Paging
from qstash_cli.invocation import Invocation

T = TypeVar("T")


def cut(inv: Invocation, items: Iterator[T], paging: Paging) -> Iterator[T]:
    """The items up to the limit, and a note if there are more."""
    for number, item in enumerate(items):
        if number == paging.limit and not paging.all:
            inv.note(f"only the first {paging.limit} are shown; add --all or --limit N")
            return
        yield item

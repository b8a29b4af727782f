"""Calculates the widths of a table's columns, and which columns do not fit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

GAP = 2


class Size(NamedTuple):
    """The widths of a column in cells: natural, comfortable, and the least useful width.

    Ids are shortened last, and optional columns are omitted first.
    """

    natural: int
    comfortable: int
    least: int
    is_id: bool = False
    is_optional: bool = False


_STAGES: tuple[Callable[[Size], int], ...] = (
    lambda size: size.natural,
    lambda size: size.natural if size.is_id else size.comfortable,
    lambda size: size.comfortable,
    lambda size: size.least,
)
_WITH_WHOLE_IDS = _STAGES[:2]


def fit_columns(sizes: Mapping[int, Size], room: int) -> dict[int, int]:
    """Returns the width of each column that fits, by its number.

    Shortens other texts before ids, but first omits optional columns from the right; only then
    omits other columns. Keeps at least one column.
    """
    kept = dict(sizes)
    while kept:
        has_optional = any(size.is_optional for size in kept.values())
        for stage in _WITH_WHOLE_IDS if has_optional else _STAGES:
            found = {number: stage(size) for number, size in kept.items()}
            if _total(found.values()) <= room:
                return _spread(found, kept, room)
        leaves = [n for n, size in kept.items() if size.is_optional == has_optional]
        others = [number for number in leaves if not kept[number].is_id] or leaves
        if len(kept) == 1:
            return {others[-1]: max(room, 1)}
        del kept[others[-1]]
    return {}


def _spread(found: dict[int, int], sizes: Mapping[int, Size], room: int) -> dict[int, int]:
    """Distributes the remaining width: to ids first, then from left to right."""
    left = room - _total(found.values())
    for number in sorted(sizes, key=lambda number: (not sizes[number].is_id, number)):
        more = min(left, sizes[number].natural - found[number])
        found[number] += more
        left -= more
    return found


def _total(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + GAP * max(len(each) - 1, 0)

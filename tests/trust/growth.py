"""How the time of a task grows with its input."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T", str, bytes)

# Of four times the input.
MAX_RATIO = 5.0
_LONG_ENOUGH_S, _LARGE_ENOUGH = 0.02, 524_288


def growth(build: Callable[[int], T], run: Callable[[T], object]) -> float:
    """How much longer `run` takes with four times the input, from one that takes a while.

    A neighbour on the machine only makes it slower: one good measurement of three is enough.
    """
    size = 256
    while len(build(size)) < _LARGE_ENOUGH and _seconds(run, build(size), 1) < _LONG_ENOUGH_S:
        size *= 4
    once, four_times = build(size), build(4 * size)
    ratios: list[float] = []
    while len(ratios) < 3 and not (ratios and min(ratios) <= MAX_RATIO):
        ratios.append(_seconds(run, four_times, 3) / _seconds(run, once, 3))
    return min(ratios)


def _seconds(run: Callable[[T], object], data: T, times: int) -> float:
    """The processor time of the quickest run, without garbage collection as in timeit."""
    measured = []
    for _ in range(times):
        gc.disable()
        began_at = time.process_time()
        run(data)
        measured.append(time.process_time() - began_at)
        gc.enable()
    return min(measured)

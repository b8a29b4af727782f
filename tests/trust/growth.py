"""Measures how run time grows with the size of the input."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T", str, bytes)

# The allowed growth for four times the input: on a logarithmic scale, the middle between linear
# growth, which measures 4 to 5, and quadratic growth, which measures 16.
MAX_RATIO = 8.0
_LONG_ENOUGH_S, _LARGE_ENOUGH = 0.02, 524_288


def growth(build: Callable[[int], T], run: Callable[[T], object]) -> float:
    """Returns the ratio of run times for four times the input.

    Other load on the machine only increases the ratio, so the best of three measurements counts.
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
    """Returns the CPU time of the fastest run, without garbage collection as in timeit."""
    measured = []
    for _ in range(times):
        gc.disable()
        began_at = time.process_time()
        run(data)
        measured.append(time.process_time() - began_at)
        gc.enable()
    return min(measured)

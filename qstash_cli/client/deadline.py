"""Work that is left alone when its time is up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(limit_s: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises. Raises `TimeoutError` if it takes longer than `limit_s`.

    No time limit of a socket can do this: not the resolver's, which has none, nor that of an answer
    that comes drop by drop. The work then goes on in a thread that ends with the program.
    """
    results: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as fault:  # noqa: BLE001 - raised again where it is waited for
            faults.append(fault)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    if faults:
        raise faults[0]
    if not results:
        raise TimeoutError(f"no answer within {limit_s:g}s")
    return results[0]

"""Function calls with a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(limit_s: float, work: Callable[[], T]) -> T:
    """Returns or raises what `work` does. Raises `TimeoutError` if it takes longer than `limit_s`.

    The timeout of a socket cannot do this: the resolver has none, and a response that arrives byte
    by byte restarts it. After the limit, the work continues in a thread that ends with the program.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no response within {limit_s:g}s")
    return results[0]

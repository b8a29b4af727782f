"""Limits the rate of chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from qstash_cli.batch.chunks import Chunk
from qstash_cli.errors import Interrupted

_LONGEST_SLEEP_S = 0.2


def paced(
    chunks: Iterable[Chunk | None],
    per_s: float | None,
    *,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    stopped: Callable[[], bool],
) -> Iterator[Chunk | None]:
    """Yields the chunks at a limited rate of records.

    Yields None while waiting. Raises `Interrupted` once `stopped` returns true.
    """
    if per_s is None:
        yield from chunks
        return
    next_at = now()
    for chunk in chunks:
        while chunk is not None and (wait_s := next_at - now()) > 0:
            if stopped():
                raise Interrupted("interrupted")
            yield None
            sleep(min(wait_s, _LONGEST_SLEEP_S))
        if chunk is not None:
            next_at = max(next_at, now()) + len(chunk.good) / per_s
        yield chunk

"""Reads the input in blocks, ahead and in a thread, so that pauses in a stream are detected."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from qstash_cli.errors import BadInput, Interrupted

_BLOCK_BYTES = 65_536
_BLOCKS_AHEAD = 8
# If a stream supplies nothing for this time, it has paused, and the pending records are sent.
PAUSE_S = 0.2


class Stream(Protocol):
    """A readable byte stream."""

    def read(self, size: int, /) -> bytes | None:
        """Returns up to `size` bytes, or nothing at the end."""


def blocks_of(stream: Stream, stopped: Callable[[], bool]) -> Iterator[bytes | None]:
    """Yields the bytes of a stream as they arrive, and None if it pauses.

    Raises `BadInput` if it cannot be read, and `Interrupted` once `stopped` returns true.
    """
    ahead: queue.Queue[bytes | OSError] = queue.Queue(_BLOCKS_AHEAD)
    threading.Thread(target=_read, args=(stream, ahead), daemon=True).start()
    while True:
        if stopped():
            raise Interrupted("interrupted")
        try:
            block = ahead.get(timeout=PAUSE_S)
        except queue.Empty:
            yield None
            continue
        if isinstance(block, OSError):
            raise BadInput(f"cannot read the input: {block.strerror or block}".lower())
        if not block:
            return
        yield block


def _read(stream: Stream, ahead: queue.Queue[bytes | OSError]) -> None:
    # An unbuffered read returns the available data instead of waiting for a full block, and does
    # not hold a lock that would block the end of the process.
    unbuffered: Stream = getattr(stream, "raw", stream)
    try:
        while block := unbuffered.read(_BLOCK_BYTES):
            ahead.put(block)
        ahead.put(b"")
    except OSError as fault:
        ahead.put(fault)

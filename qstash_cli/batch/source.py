"""The input in blocks, read ahead by a thread, so that a pause in a stream can be noticed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from qstash_cli.errors import BadInput, Interrupted

_BLOCK_BYTES = 65_536
_BLOCKS_AHEAD = 8
# A stream that brings nothing for so long has paused: what it brought is sent.
PAUSE_S = 0.2


class Stream(Protocol):
    """What can be read."""

    def read(self, size: int, /) -> bytes | None:
        """So many bytes, or what there is, nothing at the end."""


def blocks_of(stream: Stream, stopped: Callable[[], bool]) -> Iterator[bytes | None]:
    """The bytes of a stream as they come, and None wherever it pauses.

    Raises `BadInput` if it cannot be read, and `Interrupted` once it is `stopped`.
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
            raise BadInput(f"the input cannot be read: {block.strerror or block}".lower())
        if not block:
            return
        yield block


def _read(stream: Stream, ahead: queue.Queue[bytes | OSError]) -> None:
    # Unbuffered, a read returns what is there instead of waiting for a full block, and holds no
    # lock that the end of the process would have to break.
    unbuffered: Stream = getattr(stream, "raw", stream)
    try:
        while block := unbuffered.read(_BLOCK_BYTES):
            ahead.put(block)
        ahead.put(b"")
    except OSError as fault:
        ahead.put(fault)

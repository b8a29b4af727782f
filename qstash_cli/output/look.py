"""Facts about the stream that is written to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a stream is: `width` in columns, `now` in unix seconds, no `time_zone` for the local."""

    is_terminal: bool
    width: int
    colour: bool
    now: float
    time_zone: tzinfo | None

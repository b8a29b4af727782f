"""Bodies, times and durations as text for people. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import NamedTuple

# A page with more of a body is slow; the whole body can be downloaded.
MAX_BODY_BYTES = 65_536


class BodyText(NamedTuple):
    """A body for a page: its text, or a note in its place. `is_cut` if it is only the beginning."""

    text: str
    note: str = ""
    is_cut: bool = False


def body_text(data: bytes, limit: int = MAX_BODY_BYTES) -> BodyText:
    """Returns a body as text, JSON indented; what is not UTF-8 has a note in place of its text."""
    if not data:
        return BodyText("", "no body")
    size = f"{len(data):,} bytes"
    is_cut = len(data) > limit
    try:
        text = data[:limit].decode(errors="ignore" if is_cut else "strict")
    except UnicodeDecodeError:
        return BodyText("", f"{size} that are not text")
    if is_cut:
        return BodyText(text, f"the first {limit:,} of {size}", is_cut=True)
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return BodyText(text, size)
    if not isinstance(parsed, dict | list):
        return BodyText(text, size)
    return BodyText(json.dumps(parsed, indent=2, ensure_ascii=False), f"{size} of JSON")


def iso_time(time_ms: int) -> str:
    """Returns a unix time as `2026-03-01T12:04:31.250Z`."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(milliseconds: float) -> str:
    """Returns a duration as `12 ms`, `1.25 s`, `4 min 05 s` or `2 h 03 min`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} days"

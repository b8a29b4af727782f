"""Values of columns. SQLite enforces no types, and a damaged row must not hide the others."""

from __future__ import annotations

import json
from typing import Any


def as_text(value: object) -> str:
    """Returns the value of a text column."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def as_bytes(value: object) -> bytes:
    """Returns the value of a column of bytes."""
    return value if isinstance(value, bytes) else str(value).encode()


def as_integer(value: object) -> int:
    """Returns the value of a column of integers, 0 if it is damaged."""
    return value if isinstance(value, int) else 0


def as_object(value: Any) -> dict[str, Any] | None:
    """Returns the JSON object in a text column, None if it is damaged."""
    try:
        found = json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

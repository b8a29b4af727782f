"""Makes untrusted JSON safe for every parser: bounded nesting and finite numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# JSON encoders have a recursion limit, and deeper values are unreadable anyway.
_MAX_LEVELS = 8


def bounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Replaces values nested too deeply with `...`, and NaN and infinity with strings."""
    return {name: _bounded(value, _MAX_LEVELS) for name, value in values.items()}


def _bounded(value: Any, levels: int) -> Any:
    if isinstance(value, dict | list) and not levels:
        return "..."
    if isinstance(value, dict):
        return {name: _bounded(item, levels - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_bounded(item, levels - 1) for item in value]
    is_json = not isinstance(value, float) or math.isfinite(value)
    return value if is_json else str(value)

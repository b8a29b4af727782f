"""JSON for thousands of short texts, where a third of `json.loads` is what is around it."""

from __future__ import annotations

import json
from typing import Any

_decoder: Any = json.JSONDecoder()
_scan = _decoder.scan_once


def loads(text: str) -> Any:
    """What `json.loads` makes of the text, and raises."""
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        return json.loads(text)
    return value if end == len(text) else json.loads(text)

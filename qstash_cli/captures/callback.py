"""The content of a callback, with its bodies decoded. Source: QStash docs, "Callbacks"."""

from __future__ import annotations

import json
from typing import Any

from qstash_cli.captures.capture import decoded_base64
from qstash_cli.protocol.bounded_json import bounded


def report_of(body: bytes) -> dict[str, Any] | None:
    """Returns the content of a callback or failure callback, None if the body is not one.

    `body` and `sourceBody` are decoded to text. Values that are nested too deeply are cut.
    """
    try:
        report = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(report, dict) or "sourceMessageId" not in report:
        return None
    return {
        name: _text(value) if name in {"body", "sourceBody"} else value
        for name, value in bounded(report).items()
    }


def _text(value: Any) -> Any:
    decoded = decoded_base64(value) if isinstance(value, str) else None
    return value if decoded is None else decoded.decode("utf-8", "replace")

"""What a callback reports, with its bodies decoded. Source: QStash docs, "Callbacks"."""

from __future__ import annotations

import json
from typing import Any

from qstash_cli.captures.capture import decoded_base64
from qstash_cli.protocol.bounded_json import bounded


def report_of(body: bytes) -> dict[str, Any] | None:
    """The report of a callback or failure callback, None if the body is of something else.

    `body` and `sourceBody` are texts in it, not base64. What is nested too deeply is cut.
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

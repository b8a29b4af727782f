"""JSON responses and errors. Source: QStash docs, "API rate limits and errors"."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response


def _text(value: object) -> str:
    # A damaged database may have bytes in a column of text; the other rows can still be read.
    return value.decode(errors="replace") if isinstance(value, bytes) else repr(value)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_text).encode


def encode(content: Any) -> bytes:
    """Encodes JSON as the API does."""
    return _encode(content).encode(errors="replace")


def respond(content: Any, status: int = 200) -> Response:
    """Returns a JSON response."""
    return Response(encode(content), status, media_type="application/json")


def refusal(status: int, message: str, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """Returns an error response in the format of QStash."""
    refused = respond({"error": message}, status)
    refused.headers.update(dict(headers))
    return refused

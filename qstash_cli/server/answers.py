"""How answers and errors are written. Source: QStash docs, "API rate limits and errors"."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response


class ApiError(Exception):
    """A refusal: the HTTP status and QStash's words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def answer(content: Any, status: int = 200) -> Response:
    """A JSON answer."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Response(body, status, media_type="application/json")


def refusal(status: int, message: str) -> Response:
    """An error as QStash writes it."""
    return answer({"error": message}, status)

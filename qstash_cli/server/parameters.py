"""Values of request parameters. Source: QStash OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qstash_cli.server.errors import ApiError

# The parameters of a request by name; a parameter may be repeated.
Parameters = Mapping[str, Sequence[str]]
_MAX_DIGITS = 15


def split(name: str, values: Sequence[str]) -> list[str]:
    """Returns the values of a parameter, which may be repeated or separated by commas."""
    # A URL may contain a comma, and so may a path.
    is_split = name not in {"url", "path", "workflowUrl"}
    return [one for text in values for one in (text.split(",") if is_split else [text])]


def number(text: str) -> int:
    """Returns a non-negative integer. Raises `ApiError`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise ApiError(400, f"not a number: {text}")
    return int(text)


def count(given: Parameters, *, default: int, limit: int) -> int:
    """Returns the requested number of entries, between 1 and `limit`. Raises `ApiError`."""
    texts = given.get("count")
    return max(1, min(limit, number(texts[-1]))) if texts else default


def trim_length(given: Parameters) -> int | None:
    """Returns the number of bytes to which `trimBody` cuts bodies, None for whole bodies.

    Raises `ApiError`. Source: QStash OpenAPI document, workflow logs: -1 leaves bodies out.
    """
    texts = given.get("trimBody")
    if not texts or texts[-1] == "-1":
        return 0 if texts else None
    return number(texts[-1])

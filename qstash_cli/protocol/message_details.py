"""Details of a message, from any of QStash's records of it: message, DLQ entry, log entry.

The records name some options differently, and encode bodies differently.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from qstash_cli.protocol.redaction import is_redacted

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
BodyState = Literal["complete", "truncated", "redacted"]


class Body(NamedTuple):
    """A body as far as QStash's record has it."""

    data: bytes
    state: BodyState = "complete"


def stored_body(record: Mapping[str, Any], field: str = "body") -> Body:
    """Returns the body of a message or DLQ entry: text, or base64 in a separate field."""
    encoded = record.get(f"{field}Base64")
    if encoded:
        return _decoded(encoded)
    text = record.get(field) or ""
    return Body(
        text.encode(errors="surrogatepass"), "redacted" if is_redacted(text) else "complete"
    )


def logged_body(record: Mapping[str, Any], field: str = "body") -> Body:
    """Returns the body of a log entry, which is always base64."""
    encoded = record.get(field) or ""
    if is_redacted(encoded):
        return Body(encoded.encode(), "redacted")
    return _decoded(encoded)


def _decoded(encoded: str) -> Body:
    try:
        data = b64decode(encoded, validate=True)
    except ValueError:
        if not _BASE64.fullmatch(encoded):
            return Body(encoded.encode(errors="surrogatepass"))
        characters = encoded.rstrip("=")
        # Whole groups of four characters are intact; the rest of the record is missing.
        return Body(b64decode(characters[: len(characters) // 4 * 4]), "truncated")
    is_hash = is_redacted(data.decode("utf-8", "replace"))
    return Body(data, "redacted" if is_hash else "complete")


def headers_of(record: Mapping[str, Any], *fields: str) -> tuple[tuple[str, str], ...]:
    """Returns the headers in the first of the fields that has any, one pair for each value."""
    lists: Mapping[str, list[str]] = next((record[f] for f in fields if record.get(f)), {})
    return tuple((name, value) for name, values in lists.items() for value in values)


def flow_limits(record: Mapping[str, Any]) -> str:
    """Returns the limits of the flow control key: `parallelism 5, 10 per 1m`. May be empty."""
    from qstash_cli.protocol.durations import format_duration

    parts = []
    if record.get("parallelism"):
        parts.append(f"parallelism {record['parallelism']}")
    if record.get("rate"):
        parts.append(f"{record['rate']} per {format_duration(record.get('period') or 1)}")
    return ", ".join(parts)

"""Hides the fields that a message redacts. Source: QStash docs, "Redact fields"."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

_NAMED = re.compile(r"headers?\[(.+)\]", re.IGNORECASE)


def redacted(value: bytes) -> str:
    """Returns the replacement of a redacted value."""
    # Guess: hexadecimal, of the raw value; the docs do not describe the encoding of the hash.
    return f"REDACTED:{hashlib.sha256(value).hexdigest()}"


def body(fields: tuple[str, ...], data: bytes) -> bytes:
    """Returns a body, or its replacement if it is redacted."""
    return redacted(data).encode() if data and "body" in fields else data


def text(name: str, data: bytes) -> dict[str, str]:
    """Returns bytes as a JSON field: text if they are UTF-8, else base64; no field if empty."""
    if not data:
        return {}
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}Base64": b64encode(data).decode()}


def headers(fields: tuple[str, ...], lists: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Returns header lists with the redacted values replaced."""
    hides_all = bool({"header", "headers"} & set(fields))
    names = {match[1].lower() for field in fields if (match := _NAMED.fullmatch(field))}
    return {
        name: [redacted(v.encode()) for v in values]
        if hides_all or name.lower() in names
        else list(values)
        for name, values in lists.items()
    }


def without_empty(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields that are not empty; QStash leaves the others out."""
    return {
        name: value
        for name, value in record.items()
        if value is not None and value not in ("", {}, [])
    }

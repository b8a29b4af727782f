"""Redaction: which fields of a message QStash hides, and what it displays in their place.

Source: QStash docs, "Redact fields".
"""

from __future__ import annotations

import re

from qstash_cli.errors import BadInput

_REDACTED = re.compile(r"REDACTED:[A-Za-z0-9+/=_-]{40,}")
_FIELD = re.compile(r"(body)|headers?(\[[!#$%&'*+.^_`|~0-9A-Za-z-]+\])?")


def is_redacted(text: str) -> bool:
    """It is what QStash displays in the place of a value: `REDACTED:` and a hash."""
    return bool(_REDACTED.fullmatch(text.strip()))


def parse_fields(text: str) -> tuple[str, ...]:
    """The fields to redact of a comma-separated list: `body`, `header`, `header[Name]`.

    The documents write `headers` and `headers[Name]`. The SDKs send the singular, which their tests
    prove to work with the service: both are read, and the singular is what is sent. Raises
    `BadInput` for anything else.
    """
    fields = [field.strip() for field in text.split(",")]
    return tuple(_normal(field) for field in fields if field)


def _normal(field: str) -> str:
    found = _FIELD.fullmatch(field)
    if found is None:
        raise BadInput(
            f"not a field that can be redacted: {field!r}",
            hint="one of body, header, header[Name]",
        )
    return found[1] or f"header{found[2] or ''}"

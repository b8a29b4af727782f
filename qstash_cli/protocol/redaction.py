"""Redaction of message fields.

Source: QStash docs, "Redact fields".
"""

from __future__ import annotations

import re

from qstash_cli.errors import BadInput

_REDACTED = re.compile(r"REDACTED:[A-Za-z0-9+/=_-]{40,}")
_FIELD = re.compile(r"(body)|headers?(\[[!#$%&'*+.^_`|~0-9A-Za-z-]+\])?")


def is_redacted(text: str) -> bool:
    """Returns whether a value was redacted by QStash: `REDACTED:` and a hash."""
    return bool(_REDACTED.fullmatch(text.strip()))


def parse_fields(text: str) -> tuple[str, ...]:
    """Parses a comma-separated list of fields: `body`, `header`, `header[Name]`.

    QStash's documentation says `headers` and `headers[Name]`, but the SDKs send the singular, and
    their tests prove that it works. Both are accepted, and the singular is sent. Raises `BadInput`
    for anything else.
    """
    fields = [field.strip() for field in text.split(",")]
    return tuple(_normal(field) for field in fields if field)


def _normal(field: str) -> str:
    found = _FIELD.fullmatch(field)
    if found is None:
        raise BadInput(
            f"cannot redact this field: {field!r}",
            hint="use one of body, header, header[Name]",
        )
    return found[1] or f"header{found[2] or ''}"

"""What QStash shows in the place of a value that was published to be hidden. Source: QStash docs,
"Redact fields".
"""

from __future__ import annotations

import re

_REDACTED = re.compile(r"REDACTED:[A-Za-z0-9+/=_-]{40,}")


def is_redacted(text: str) -> bool:
    """It is what QStash shows in the place of a value: `REDACTED:` and a hash."""
    return bool(_REDACTED.fullmatch(text.strip()))

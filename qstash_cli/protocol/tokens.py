"""Recognizes text that is not a QStash token although it was pasted as one.

Sources: QStash docs, "API", and mistakes that users report.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, urlsafe_b64decode

_MISTAKEN = (
    (r"sig_.*", "a signing key", "copy the longer value, QSTASH_TOKEN, from the Upstash console"),
    (r"(?i)(bearer|basic)\b.*", "an Authorization header", "remove the text before the token"),
    (r"(export )?[A-Z][A-Z0-9_]*=.+", "a NAME=value line", "remove the name and the `=`"),
    (r"[\"'].*|.*[\"']", "quoted text", "remove the quotes"),
    (r"\w+://.*", "a URL", "copy QSTASH_TOKEN, below the URL in the Upstash console"),
    (
        r"eyJ[\w-]+\.[\w-]+\.[\w-]*",
        "a JWT",
        "copy the value of QSTASH_TOKEN from the Upstash console",
    ),
    (
        r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "a management API key",
        "copy the value of QSTASH_TOKEN from the QStash page of the Upstash console",
    ),
)
_ALPHABET = re.compile(r"[A-Za-z0-9+/_.~-]+={0,2}")
_MIN_LENGTH = 16
_JSON_IN_BASE64 = "eyJ"
# Upstash Redis tokens are base64, and the first byte is 0, 1 or 2.
_REDIS = re.compile(r"A[A-Za-z0-9+/_-]{39,}={0,2}")


def mistaken_for_token(text: str) -> tuple[str, str] | None:
    """Returns what the text is instead of a token, and a hint; None if it may be a token."""
    text = text.strip()
    return next(
        ((what, fix) for pattern, what, fix in _MISTAKEN if re.fullmatch(pattern, text)), None
    )


def unusable_token(text: str) -> tuple[str, str] | None:
    """Returns why the text cannot be stored as a token, and a hint; None if it may be a token.

    Tokens are base64 today. Only the alphabet and a minimum length are required, so that tokens in
    another format can still be stored.
    """
    if mistaken := mistaken_for_token(text):
        what, fix = mistaken
        return f"this is {what}, not a token", fix
    copy = "copy the value of QSTASH_TOKEN from the Upstash console"
    if len(text.split()) > 1:
        return "a token cannot contain spaces", copy
    if not _ALPHABET.fullmatch(text):
        return "this contains characters that are not allowed in a token", copy
    if len(text) < _MIN_LENGTH:
        return f"this is too short for a token: {len(text)} characters", copy
    if text.startswith(_JSON_IN_BASE64) and not is_token_shaped(text):
        return (
            "this is only a part of a token",
            "copy the whole value of QSTASH_TOKEN from the Upstash console",
        )
    return None


def is_token_shaped(text: str) -> bool:
    """Returns whether the text is base64 of a user and a password, as QStash's tokens are."""
    try:
        decoded = json.loads(b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (ValueError, binascii.Error):
        return False
    return isinstance(decoded, dict) and {"UserID", "Password"} <= set(decoded)


def looks_like_redis_token(text: str) -> bool:
    """Returns whether the text may be the REST token of a Redis database."""
    if not _REDIS.fullmatch(text) or is_token_shaped(text):
        return False
    try:
        first = urlsafe_b64decode(text[:4])[:1]
    except (ValueError, binascii.Error):
        return False
    return first in {b"\x00", b"\x01", b"\x02"}

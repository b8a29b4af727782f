"""What is no token of QStash though it was pasted as one. Source: QStash docs, "API", and the
mistakes that people report.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, urlsafe_b64decode

_MISTAKEN = (
    (r"sig_.*", "a signing key", "the token is the longer text, under QSTASH_TOKEN in the console"),
    (r"(?i)(bearer|basic)\b.*", "an Authorization header", "leave out what is before the token"),
    (r"(export )?[A-Z][A-Z0-9_]*=.+", "a whole line NAME=value", "leave out the name and the `=`"),
    (r"[\"'].*|.*[\"']", "a text in quotes", "leave out the quotes"),
    (r"\w+://.*", "a URL", "the token stands below the URL in the console"),
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]*", "a JWT", "copy QSTASH_TOKEN from the console"),
    (
        r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "a key of the management API",
        "copy QSTASH_TOKEN from the console's QStash page",
    ),
)
_ALPHABET = re.compile(r"[A-Za-z0-9+/_.~-]+={0,2}")
_LEAST_LENGTH = 16
_JSON_IN_BASE64 = "eyJ"
# Upstash's Redis tokens are base64 of bytes that begin with 0 or 1.
_REDIS = re.compile(r"A[A-Za-z0-9+/_-]{39,}={0,2}")


def mistaken_for_token(text: str) -> tuple[str, str] | None:
    """What the text is instead of a token, and what to do; None if it may be one."""
    text = text.strip()
    return next(
        ((what, fix) for pattern, what, fix in _MISTAKEN if re.fullmatch(pattern, text)), None
    )


def unusable_token(text: str) -> tuple[str, str] | None:
    """Why a text cannot be stored as a token, and what to do; None if it may be one.

    Tokens are base64 today. Only the alphabet and a least length are required of them, so that a
    token of another form can still be stored.
    """
    if mistaken := mistaken_for_token(text):
        what, fix = mistaken
        return f"that is {what}, not a token", fix
    copy = "copy the text under QSTASH_TOKEN in the console"
    if len(text.split()) > 1:
        return "that is more than one word, not a token", copy
    if not _ALPHABET.fullmatch(text):
        return "that has characters that no token has", copy
    if len(text) < _LEAST_LENGTH:
        return f"that is too short for a token: {len(text)} characters", copy
    if text.startswith(_JSON_IN_BASE64) and not has_shape_of_token(text):
        return "that is a part of a token", "copy the whole text under QSTASH_TOKEN in the console"
    return None


def has_shape_of_token(text: str) -> bool:
    """Whether it is the base64 of a user and a password, as QStash's tokens are."""
    try:
        decoded = json.loads(b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (ValueError, binascii.Error):
        return False
    return isinstance(decoded, dict) and {"UserID", "Password"} <= set(decoded)


def looks_like_redis(text: str) -> bool:
    """Whether it may be the REST token of a Redis database."""
    if not _REDIS.fullmatch(text) or has_shape_of_token(text):
        return False
    try:
        first = urlsafe_b64decode(text[:4])[:1]
    except (ValueError, binascii.Error):
        return False
    return first in {b"\x00", b"\x01", b"\x02"}

"""Formats of ids and names. Sources: QStash docs, "Queues", "Schedules", "Deduplication"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from qstash_cli.errors import BadInput

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_RANDOM_LENGTH = 28
# Enough base58 digits for milliseconds until the year 6000.
_TIME_LENGTH = 8
# Maps each byte to a digit. The highest bytes are dropped, since they would make the first digits
# more likely than the others.
_DIGITS = (_BASE58 * 5)[:256].encode()
_UNEVEN = bytes(range(256 - 256 % len(_BASE58), 256))
# Guess: all DLQ ids seen so far are a time in milliseconds and a number.
_DLQ_ID = re.compile(r"\d+-\d+")
_MESSAGE_ID = re.compile(r"msg_[A-Za-z0-9_-]+")


def new_id(prefix: str, random_bytes: Callable[[int], bytes]) -> str:
    """Returns a new id: a prefix such as `msg`, `_` and 28 base58 characters.

    `random_bytes(n)` returns n random bytes.
    """
    digits = b""
    while len(digits) < _RANDOM_LENGTH:
        digits += random_bytes(2 * _RANDOM_LENGTH).translate(_DIGITS, _UNEVEN)
    return f"{prefix}_{digits[:_RANDOM_LENGTH].decode()}"


def new_time_ordered_id(prefix: str, now_ms: int, random_bytes: Callable[[int], bytes]) -> str:
    """Returns a new id of the same format that sorts by time.

    Its first 8 characters encode `now_ms` (unix milliseconds); the other 20 are random.
    """
    digits = ""
    for _ in range(_TIME_LENGTH):
        now_ms, digit = divmod(now_ms, len(_BASE58))
        digits = _BASE58[digit] + digits
    start = len(prefix) + 1 + _TIME_LENGTH
    return f"{prefix}_{digits}{new_id(prefix, random_bytes)[start:]}"


def validate_name(text: str, what: str) -> str:
    """Returns the name of a queue, URL group or schedule unchanged.

    `what` describes it in the message. Raises `BadInput` if it is empty or contains characters
    other than letters, digits, `.`, `_` and `-`.
    """
    if not _NAME.fullmatch(text):
        raise BadInput(
            f"not a valid {what} name: {text!r}",
            hint="use letters, digits, '.', '_' and '-'",
        )
    return text


def validate_id(text: str, what: str) -> str:
    """Returns an id for use as a path segment, unchanged.

    A path without its last segment addresses the whole collection, so deleting an empty id would
    delete everything. Raises `BadInput` if the id is empty or contains `/`, `?`, `#`, spaces or
    control characters.
    """
    if not text or re.search(r"[/?#\s\x00-\x1f\x7f]", text):
        raise BadInput(f"not a {what} id: {text!r}", hint="nothing was sent")
    return text


def kind_of_id(text: str) -> Literal["DLQ", "message"]:
    """Returns what an id identifies, judging by its format. Raises `BadInput` if it is neither."""
    if _DLQ_ID.fullmatch(text):
        return "DLQ"
    if _MESSAGE_ID.fullmatch(text):
        return "message"
    raise BadInput(
        f"neither a DLQ id nor a message id: {text!r}",
        hint="examples: 1725323658779-0 and msg_26hZCxZC; nothing was sent",
    )


def validate_deduplication_id(text: str) -> str:
    """Returns a deduplication id unchanged. Raises `BadInput` if empty or with `:` or spaces."""
    if not text or ":" in text or re.search(r"\s", text):
        raise BadInput(
            f"a deduplication id cannot be empty or contain ':' or spaces: {text!r}",
            hint="separate its parts with '-' or '_'",
        )
    return text

"""The shapes of ids and names. Sources: QStash docs, "Queues", "Schedules", "Deduplication"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from qstash_cli.errors import BadInput

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_RANDOM_LENGTH = 28
# Of milliseconds until the year 6000.
_TIME_LENGTH = 8
# The digit of each byte. The last bytes would make the first digits likelier than the others.
_DIGITS = (_BASE58 * 5)[:256].encode()
_UNEVEN = bytes(range(256 - 256 % len(_BASE58), 256))
# Guess: DLQ ids have the shape of all that were seen, a time in ms and a number.
_DLQ_ID = re.compile(r"\d+-\d+")
_MESSAGE_ID = re.compile(r"msg_[A-Za-z0-9_-]+")


def new_id(prefix: str, random_bytes: Callable[[int], bytes]) -> str:
    """A fresh id such as `msg_` and 28 base58 characters. `random_bytes(n)` supplies n bytes."""
    digits = b""
    while len(digits) < _RANDOM_LENGTH:
        digits += random_bytes(2 * _RANDOM_LENGTH).translate(_DIGITS, _UNEVEN)
    return f"{prefix}_{digits[:_RANDOM_LENGTH].decode()}"


def new_time_ordered_id(prefix: str, now_ms: int, random_bytes: Callable[[int], bytes]) -> str:
    """A fresh id of the same shape that sorts by time: 8 of its characters are `now_ms`, which is
    unix milliseconds, and 20 are random.
    """
    digits = ""
    for _ in range(_TIME_LENGTH):
        now_ms, digit = divmod(now_ms, len(_BASE58))
        digits = _BASE58[digit] + digits
    start = len(prefix) + 1 + _TIME_LENGTH
    return f"{prefix}_{digits}{new_id(prefix, random_bytes)[start:]}"


def validate_name(text: str, what: str) -> str:
    """The name of a queue, URL group or schedule, unchanged.

    `what` says which in the message. Raises `BadInput` if it is empty or has a character other
    than letters, digits, `.`, `_` and `-`.
    """
    if not _NAME.fullmatch(text):
        raise BadInput(
            f"not a name for a {what}: {text!r}",
            hint="letters, digits, '.', '_' and '-' are allowed",
        )
    return text


def validate_id(text: str, what: str) -> str:
    """An id as a path segment, unchanged.

    QStash takes the path without its last segment for the whole collection, so that deleting an
    empty id deletes everything. Raises `BadInput` for an empty id or one with `/`, `?`, `#`,
    blanks or control characters.
    """
    if not text or re.search(r"[/?#\s\x00-\x1f\x7f]", text):
        raise BadInput(f"not a {what} id: {text!r}", hint="nothing was sent")
    return text


def kind_of_id(text: str) -> Literal["DLQ", "message"]:
    """What an id stands for, by its shape. Raises `BadInput` if it is neither."""
    if _DLQ_ID.fullmatch(text):
        return "DLQ"
    if _MESSAGE_ID.fullmatch(text):
        return "message"
    raise BadInput(
        f"neither a DLQ id nor a message id: {text!r}",
        hint="they look like 1725323658779-0 and msg_26hZCxZC; nothing was sent",
    )


def validate_deduplication_id(text: str) -> str:
    """A deduplication id, unchanged. Raises `BadInput` if empty or with `:` or blanks."""
    if not text or ":" in text or re.search(r"\s", text):
        raise BadInput(
            f"a deduplication id cannot be empty or contain ':' or blanks: {text!r}",
            hint="use '-' or '_' between its parts",
        )
    return text

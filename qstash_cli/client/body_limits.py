"""How much is read of an answer: whoever answers may never end."""

from __future__ import annotations

from collections.abc import Iterable

from qstash_cli.errors import QstashError

# Guess: no page of messages is as long, with bodies of the size that the largest plans allow.
MOST_BYTES = 134_217_728
# Only the first words of a refusal are shown.
_MOST_REFUSAL_BYTES = 65_536


class ResponseTooLong(QstashError):
    """A response was longer than what is read of one."""


def most_bytes(status: int) -> int:
    """How much of an answer of this status is of any use."""
    return MOST_BYTES if 200 <= status < 300 else _MOST_REFUSAL_BYTES


def first(chunks: Iterable[bytes], most: int) -> tuple[bytes, bool]:
    """The first bytes of a body, and whether these are all of it."""
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > most:
            return bytes(found[:most]), False
    return bytes(found), True


def refuse_part(status: int) -> None:
    """Raises `QstashError` if a part of an answer of this status is not enough."""
    if 200 <= status < 300:
        raise ResponseTooLong(
            f"the answer is longer than {MOST_BYTES >> 20} MiB, and is not read",
            hint="ask for less of it, with a filter; is it QStash's API?",
        )

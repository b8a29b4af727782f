"""Limits for response bodies, since a server may send an endless one."""

from __future__ import annotations

from collections.abc import Iterable

from qstash_cli.errors import QstashError

# Assumption: no page of messages is this long, even with bodies of the largest plans' size.
BODY_LIMIT_BYTES = 134_217_728
# An error quotes only the beginning of a body.
_ERROR_BODY_LIMIT_BYTES = 65_536


class ResponseTooLong(QstashError):
    """A response body is longer than the limit."""


def body_limit_bytes(status: int) -> int:
    """Returns the limit for the body of a response with this status code."""
    return BODY_LIMIT_BYTES if 200 <= status < 300 else _ERROR_BODY_LIMIT_BYTES


def read_up_to(chunks: Iterable[bytes], limit: int) -> tuple[bytes, bool]:
    """Returns the first `limit` bytes, and whether there were no more."""
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > limit:
            return bytes(found[:limit]), False
    return bytes(found), True


def raise_if_truncated(status: int) -> None:
    """Raises `ResponseTooLong` for a truncated success, whose body cannot be parsed."""
    if 200 <= status < 300:
        raise ResponseTooLong(
            f"the response is longer than {BODY_LIMIT_BYTES >> 20} MiB",
            hint="request less data with a filter; is this QStash's API?",
        )

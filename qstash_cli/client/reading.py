"""How much is read of an answer, and for how long: whoever answers may never end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qstash_cli.errors import QstashError

if TYPE_CHECKING:
    import httpx

# Guess: no page of messages is as long, with bodies of the size that the largest plans allow.
MOST_BYTES = 134_217_728
# Only the first words of a refusal are shown.
_MOST_REFUSAL_BYTES = 65_536


def received(http: httpx.Client, request: httpx.Request, limit_s: float) -> httpx.Response:
    """The answer to a request, read within so many seconds, a refusal's body cut where it is long.

    Raises httpx's errors, `TimeoutError`, and `QstashError` for an answer that is too long.
    """
    until_s = time.monotonic() + limit_s
    response = http.send(request, stream=True)
    try:
        most = MOST_BYTES if response.is_success else _MOST_REFUSAL_BYTES
        content, is_whole = first(response.iter_bytes(), most, until_s=until_s)
    finally:
        response.close()
    if response.is_success and not is_whole:
        raise too_long()
    response._content = content  # noqa: SLF001 - httpx has no other way to read a part
    return response


def first(
    chunks: Iterable[bytes], most_bytes: int, *, until_s: float | None = None
) -> tuple[bytes, bool]:
    """The first bytes of a body, and whether these are all of it.

    Raises `TimeoutError` where they come so slowly that the monotonic clock passes `until_s`.
    """
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > most_bytes:
            return bytes(found[:most_bytes]), False
        if until_s is not None and time.monotonic() > until_s:
            raise TimeoutError
    return bytes(found), True


def too_long() -> QstashError:
    """The error for an answer of which too much would have to be kept."""
    return QstashError(
        f"the answer is longer than {MOST_BYTES >> 20} MiB, and is not read",
        hint="ask for less of it, with a filter; is it QStash's API?",
    )

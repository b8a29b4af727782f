"""A captured request, independent of the format it was read from."""

from __future__ import annotations

import string
from base64 import b64decode
from collections.abc import Iterable
from typing import Any, NamedTuple

Pairs = tuple[tuple[str, str], ...]
# The keys that may contain the body in a JSON capture, the rawest form first.
BODY_KEYS = ("bodyBase64", "rawBody", "bodyRaw", "raw_body", "body", "content", "text")
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
# The types that a header value may have in JSON.
_SCALARS = (str, int, float)


class Capture(NamedTuple):
    """One request. `url` and `body` are None if the capture does not contain them.

    `keys_without_body` lists the keys of a JSON capture without a body under a known key: the
    request may have been empty, or the body may be under another key.
    """

    source: str
    method: str = ""
    url: str | None = None
    headers: Pairs = ()
    body: bytes | None = None
    keys_without_body: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """Returns the first header with that name, None if the request has none."""
        wanted = name.lower()
        for own, value in self.headers:
            if own.lower() == wanted:
                return value
        return None

    @property
    def signature(self) -> str | None:
        """The `Upstash-Signature` header, None if the request has none."""
        return self.header("Upstash-Signature")


def header_pairs(given: Any) -> Pairs:
    """Returns headers from an object of strings or lists, pairs, or name and value objects.

    Ignores values of any other shape.
    """
    if isinstance(given, dict):
        return tuple(
            [
                (str(name), str(value))
                for name, values in given.items()
                for value in (values if isinstance(values, list) else (values,))
                if isinstance(value, _SCALARS)
            ]
        )
    if not isinstance(given, list):
        return ()
    if given and all(isinstance(item, str) for item in given):
        # Node's rawHeaders alternates names and values.
        return tuple(zip(given[::2], given[1::2], strict=False))
    return tuple(pair for item in given for pair in _pair(item))


def _pair(item: Any) -> Iterable[tuple[str, str]]:
    if isinstance(item, dict):
        name, value = item.get("name", item.get("key")), item.get("value")
    elif isinstance(item, list) and len(item) == 2:
        name, value = item
    else:
        return
    if isinstance(name, _SCALARS) and isinstance(value, _SCALARS):
        yield str(name), str(value)


def decoded_base64(text: str) -> bytes | None:
    """Decodes standard or URL-safe base64. Returns None if the text is neither."""
    try:
        plain = text.encode("ascii").translate(_TO_BASE64, string.whitespace.encode())
        return b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None

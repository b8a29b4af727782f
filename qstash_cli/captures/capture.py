"""A captured request, whatever it was read from."""

from __future__ import annotations

import string
from base64 import b64decode
from collections.abc import Iterable
from typing import Any, NamedTuple

Pairs = tuple[tuple[str, str], ...]
# The names under which a JSON capture may have the body, the rawest first.
BODY_KEYS = ("bodyBase64", "rawBody", "bodyRaw", "raw_body", "body", "content", "text")
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
# What a header may be in JSON.
_SCALARS = (str, int, float)


class Capture(NamedTuple):
    """One request. `url` or `body` is None where the capture does not say.

    `keys_without_body` are the keys of a JSON capture in which no body was found: it may be of an
    empty request, or have the body under another name.
    """

    source: str
    method: str = ""
    url: str | None = None
    headers: Pairs = ()
    body: bytes | None = None
    keys_without_body: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """The first header of that name, None if there is none."""
        wanted = name.lower()
        for own, value in self.headers:
            if own.lower() == wanted:
                return value
        return None

    @property
    def signature(self) -> str | None:
        """The signature, None if the request has none."""
        return self.header("Upstash-Signature")


def header_pairs(given: Any) -> Pairs:
    """Headers of any usual shape: an object of texts or lists, pairs, or objects of name and value.

    What has no such shape is left out.
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
        # Node's rawHeaders: names and values in turn.
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
    """The bytes of base64 of either alphabet, None if it is not base64."""
    try:
        plain = text.encode("ascii").translate(_TO_BASE64, string.whitespace.encode())
        return b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None

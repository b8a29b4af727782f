"""A captured request, whatever it was read from."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from typing import Any, NamedTuple

Pairs = tuple[tuple[str, str], ...]


class Capture(NamedTuple):
    """One request. `url` or `body` is None where the capture does not tell."""

    source: str
    method: str = ""
    url: str | None = None
    headers: Pairs = ()
    body: bytes | None = None

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
            [(str(name), str(value)) for name, values in given.items() for value in _each(values)]
        )
    if not isinstance(given, list):
        return ()
    if given and all(isinstance(item, str) for item in given):
        # Node's rawHeaders: names and values in turn.
        return tuple(zip(given[::2], given[1::2], strict=False))
    return tuple(pair for item in given for pair in _pair(item))


def _pair(item: Any) -> Iterable[tuple[str, str]]:
    if isinstance(item, dict):
        name = item.get("name", item.get("key"))
        if name is not None and item.get("value") is not None:
            yield str(name), str(item["value"])
    elif isinstance(item, list) and len(item) == 2:
        yield str(item[0]), str(item[1])


def _each(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [] if values is None else [values]


def decoded_base64(text: str) -> bytes | None:
    """The bytes of base64 of either alphabet, None if it is none."""
    plain = "".join(text.split()).replace("-", "+").replace("_", "/")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None

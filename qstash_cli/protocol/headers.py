"""HTTP header names and the ones that are forwarded to a destination. Source: RFC 9110 §5 and §7.6,
QStash docs, "Pass headers".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from qstash_cli.errors import BadInput

FORWARD = "Upstash-Forward-"
Headers = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SECRET = re.compile(r"authorization|cookie|token|secret|api-key|signature")
HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade",
}  # fmt: skip
# `Authorization` is the publisher's own token, and must not travel on.
_OF_THIS_CONNECTION = HOP_BY_HOP | {"authorization", "content-length", "host"}


@lru_cache
def canonical_name(name: str) -> str:
    """A header name as QStash stores it: `x-trace-ID` is `X-Trace-Id`."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def parse_header(text: str) -> tuple[str, str]:
    """Name and value of `Name: value`. Raises `BadInput` if it is not a header (RFC 9110 §5)."""
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not _TOKEN.fullmatch(name):
        raise BadInput(f"not a header: {text!r}", hint="write 'Name: value'")
    return validate_header(name, value)


def validate_header(name: str, value: str) -> tuple[str, str]:
    """A name and its value, unchanged. Raises `BadInput` if they could not be sent."""
    if not _TOKEN.fullmatch(name):
        raise BadInput(f"not the name of a header: {name!r}")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise BadInput(f"a header value cannot hold control characters: {name}")
    return name, value


def as_defaults(headers: Iterable[tuple[str, str]]) -> Headers:
    """Default headers of a URL group as QStash takes them.

    As on a publish, what is not for QStash is for the destination, and gets `Upstash-Forward-`.
    """
    return tuple(
        (name if name.lower().startswith("upstash-") else f"{FORWARD}{name}", value)
        for name, value in headers
    )


def forwardable(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers of a publish request that may travel on to the destination as they are."""
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in _OF_THIS_CONNECTION and not name.lower().startswith("upstash-")
    )


def names_a_secret(name: str) -> bool:
    """A header of this name usually holds a secret, which is not to be shown."""
    return bool(_SECRET.search(name.lower()))


def as_lists(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Headers as QStash's JSON has them: `{"X-Trace-Id": ["1", "2"]}`."""
    lists: dict[str, list[str]] = {}
    for name, value in headers:
        lists.setdefault(canonical_name(name), []).append(value)
    return lists

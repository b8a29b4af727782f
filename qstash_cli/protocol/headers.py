"""HTTP headers, and which of them are forwarded to a destination.

Sources: RFC 9110 §5 and §7.6; QStash docs, "Pass headers".
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
# `Authorization` contains the publisher's own token and must not be forwarded.
_OF_THIS_CONNECTION = HOP_BY_HOP | {"authorization", "content-length", "host"}


@lru_cache
def canonical_name(name: str) -> str:
    """Returns a header name in QStash's spelling: `x-trace-ID` becomes `X-Trace-Id`."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def parse_header(text: str) -> tuple[str, str]:
    """Parses `Name: value` to a name and a value. Raises `BadInput` if it is not a header."""
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not _TOKEN.fullmatch(name):
        raise BadInput(f"not a header: {text!r}", hint="write 'Name: value'")
    return validate_header(name, value)


def validate_header(name: str, value: str) -> tuple[str, str]:
    """Returns a name and a value unchanged. Raises `BadInput` if they cannot be sent."""
    if not _TOKEN.fullmatch(name):
        raise BadInput(f"not a valid header name: {name!r}")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise BadInput(f"a header value cannot contain control characters: {name}")
    return name, value


def as_defaults(headers: Iterable[tuple[str, str]]) -> Headers:
    """Returns the default headers of a URL group in the form that the API accepts.

    As in a publish request, headers for the destination get the prefix `Upstash-Forward-`.
    """
    return tuple(
        (name if name.lower().startswith("upstash-") else f"{FORWARD}{name}", value)
        for name, value in headers
    )


def forwardable(headers: Iterable[tuple[str, str]]) -> Headers:
    """Returns the headers of a publish request that may be forwarded unchanged."""
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in _OF_THIS_CONNECTION and not name.lower().startswith("upstash-")
    )


def names_a_secret(name: str) -> bool:
    """Returns whether a header with this name usually contains a secret."""
    return bool(_SECRET.search(name.lower()))


def as_lists(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Returns headers in the form of QStash's JSON: `{"X-Trace-Id": ["1", "2"]}`."""
    lists: dict[str, list[str]] = {}
    for name, value in headers:
        lists.setdefault(canonical_name(name), []).append(value)
    return lists

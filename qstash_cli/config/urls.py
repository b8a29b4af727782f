"""Which URLs a token may be sent to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from qstash_cli.errors import BadInput
from qstash_cli.protocol.destination import is_loopback

DEFAULT_URL = "https://qstash.upstash.io"
# The regions are isolated: each has its own tokens, keys and messages.
REGION_URLS = {
    "eu-central-1": DEFAULT_URL,
    "us-east-1": "https://qstash-us-east-1.upstash.io",
}
_OTHER_NAMES = {"https://qstash-eu-central-1.upstash.io": DEFAULT_URL}


def validate_url(url: str, *, insecure: bool) -> str:
    """The API's base URL without a slash at its end.

    Raises `BadInput` if it is none, holds a password, goes on into the API's own paths, or would
    carry the token over the network in clear.
    """
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in {"http", "https"}:
        raise BadInput(f"the API's URL is not one: {url!r}", hint=f"write it as {DEFAULT_URL}")
    if parts.username is not None or parts.password is not None:
        raise BadInput("the API's URL holds a user or password", hint="give the token by itself")
    base = re.sub(r"/v\d+(/.*)?$", "", url)
    if base != url or parts.query or parts.fragment:
        raise BadInput(
            f"the API's URL goes on after its host: {url}", hint=f"write {base.partition('?')[0]}"
        )
    if parts.scheme.lower() == "http" and not insecure and not is_loopback(url):
        raise BadInput(
            f"the token would go over the network in clear: {url}",
            hint="use https://, or add --insecure",
        )
    return url


def region_of(url: str, regions: Mapping[str, str]) -> str | None:
    """The region whose URL it is, of these names and URLs; None for another host."""
    wanted = _OTHER_NAMES.get(url.lower(), url.lower())
    return next((name for name, one in regions.items() if one == wanted), None)

"""Validates the URLs that a token may be sent to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from qstash_cli.errors import BadInput
from qstash_cli.protocol.destination import is_loopback

DEFAULT_URL = "https://qstash.upstash.io"
# Regions are isolated: each has its own tokens, keys and messages.
REGION_URLS = {
    "eu-central-1": DEFAULT_URL,
    "us-east-1": "https://qstash-us-east-1.upstash.io",
}
_OTHER_NAMES = {"https://qstash-eu-central-1.upstash.io": DEFAULT_URL}


def validate_url(url: str, *, insecure: bool) -> str:
    """Returns the API's base URL without a trailing slash.

    Raises `BadInput` if it is not a URL, contains a user or password or a path of the API, or would
    send the token unencrypted over the network.
    """
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in {"http", "https"}:
        raise BadInput(f"not a valid API URL: {url!r}", hint=f"example: {DEFAULT_URL}")
    if parts.username is not None or parts.password is not None:
        raise BadInput("the API URL contains a user or password", hint="pass the token separately")
    base = re.sub(r"/v\d+(/.*)?$", "", url)
    if base != url or parts.query or parts.fragment:
        raise BadInput(
            f"the API URL must not include an API path or a query: {url}",
            hint=f"use {base.partition('?')[0]}",
        )
    if parts.scheme.lower() == "http" and not insecure and not is_loopback(url):
        raise BadInput(
            f"the token would be sent unencrypted: {url}",
            hint="use https://, or add --insecure",
        )
    return url


def region_of(url: str, regions: Mapping[str, str]) -> str | None:
    """Returns the name of the region with this URL, None for any other host."""
    wanted = _OTHER_NAMES.get(url.lower(), url.lower())
    return next((name for name, one in regions.items() if one == wanted), None)

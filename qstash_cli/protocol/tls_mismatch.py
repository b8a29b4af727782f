"""Recognizes a server that responds to TLS with plain HTTP."""

from __future__ import annotations

import re

# OpenSSL reads the first bytes of the response as a TLS record. Source: OpenSSL, ssl_err.c.
_NOT_TLS = re.compile(r"wrong[_ ]version[_ ]number|record[_ ]layer[_ ]failure", re.IGNORECASE)
_HTTPS = re.compile(r"https://", re.IGNORECASE)


def http_url_for(url: str, error: str) -> str:
    """Returns the `http://` URL to use if the error shows that the server does not speak TLS.

    Returns an empty string for any other error.
    """
    return _HTTPS.sub("http://", url, count=1) if _NOT_TLS.search(error) else ""


def plain_http_error(url: str, error: str) -> str:
    """Returns the error of a request, in plain words if the server does not speak TLS."""
    http_url = http_url_for(url, error)
    return f"the server speaks http; use {http_url}" if http_url else error

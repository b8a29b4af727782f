"""Selects the proxy for a request from the environment.

The transport and `qstash doctor` both call `proxy_for`, so `doctor` reports the proxy of requests.
"""

from __future__ import annotations

import os
import re
import sys
from base64 import b64encode
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from qstash_cli.errors import BadInput
from qstash_cli.protocol.destination import is_loopback

_SCHEMES = ("https", "http", "all")
_DEFAULT_PORT = 80
# Names, IPv4 and IPv6 addresses.
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# On macOS and Windows, the system settings may also contain proxies.
_HAS_SYSTEM_SETTINGS = sys.platform in {"darwin", "win32"}


class Proxy(NamedTuple):
    """An HTTP proxy, and the name of the variable that it comes from."""

    source: str
    host: str
    port: int
    credentials: str = ""

    @property
    def address(self) -> str:
        """The address of the proxy, without its user and password."""
        return f"http://{bracketed(self.host)}:{self.port}"

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization, or an empty string without credentials."""
        encoded = b64encode(self.credentials.encode()).decode()
        return f"Basic {encoded}" if self.credentials else ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must not reach any output."""
        _, _, password = self.credentials.partition(":")
        return tuple(one for one in (self.authorization[6:], password) if one)


def proxy_for(url: str) -> Proxy | None:
    """Returns the proxy for requests to `url`, or None for a direct connection.

    `HTTPS_PROXY` or `HTTP_PROXY`, by the scheme of the URL, precedes `ALL_PROXY`, and lowercase
    names precede uppercase names. Connections to hosts in `NO_PROXY` and to this machine are
    direct. Raises `BadInput` for an unsupported proxy, without its password.
    """
    # Importing urllib.request takes longer than sending a request.
    if is_loopback(url) or not (_HAS_SYSTEM_SETTINGS or proxy_variables()):
        return None
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    proxies = getproxies()
    used = next((one for one in (scheme, "all") if proxies.get(one)), None)
    if used is None or proxy_bypass(_authority(parts)):
        return None
    return _parse(proxies[used], _source(used))


def proxy_variables(*schemes: str) -> list[str]:
    """Returns the variables that name a proxy, for the given schemes or for all."""
    names = (name for scheme in schemes or _SCHEMES for name in _names(scheme))
    return [name for name in names if os.environ.get(name)]


def bracketed(host: str) -> str:
    """Returns the host part of a URL; IPv6 addresses are in brackets."""
    return f"[{host}]" if ":" in host else host


def _authority(parts: SplitResult) -> str:
    # NO_PROXY may name a host with its port, including the default port.
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme.lower(), 0)
    return f"{bracketed(parts.hostname or '')}:{port}"


def _names(scheme: str) -> tuple[str, str]:
    return f"{scheme}_proxy", f"{scheme.upper()}_PROXY"


def _source(scheme: str) -> str:
    return next((name for name in _names(scheme) if os.environ.get(name)), "the system settings")


def _parse(text: str, source: str) -> Proxy:
    """Parses the address of an HTTP proxy. Raises `BadInput` for any other address."""
    fix = f"export {source}=http://HOST:PORT" if source.isidentifier() else "change the settings"
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _unusable(source, "is not the address of a proxy", fix) from None
    scheme = parts.scheme.lower()
    if scheme.startswith("socks"):
        raise _unusable(source, "names a SOCKS proxy, which is not supported", fix)
    if scheme == "https":
        raise _unusable(source, "names a proxy behind TLS (https://), which is not supported", fix)
    if scheme != "http" or port == 0 or not _HOST.fullmatch(host):
        raise _unusable(source, "is not the address of a proxy", fix)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    credentials = f"{user}:{password}" if parts.username or parts.password else ""
    return Proxy(source, host, port or _DEFAULT_PORT, credentials)


def _unusable(source: str, problem: str, fix: str) -> BadInput:
    return BadInput(f"{source} {problem}", hint=f"use an HTTP proxy: {fix}")

"""The destination of a message: a URL or a URL group. Source: QStash docs, "Publish"."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from qstash_cli.errors import BadInput

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/+", re.IGNORECASE)
_ENCODED_SCHEME = re.compile(r"https?%3a%2f%2f", re.IGNORECASE)
_GROUP = re.compile(r"[A-Za-z0-9._-]+")
_LOOPBACK = "a loopback address"
_LOOPBACK_NAMES = ("localhost", "localhost.localdomain")


def is_url(destination: str) -> bool:
    """Returns whether it starts with `http://` or `https://`; anything else is a URL group."""
    return bool(_SCHEME.match(destination))


def validate_destination(destination: str) -> str:
    """Returns a destination ready for a request path: a URL without its fragment, or a group.

    Raises `BadInput` if QStash would refuse it or interpret it as part of the API's own URL.
    """
    if _ENCODED_SCHEME.match(destination):
        raise BadInput(
            f"the destination is percent-encoded: {destination}",
            hint="pass the plain URL, with ://",
        )
    if is_url(destination):
        return validate_url(destination)
    if not destination.strip():
        raise BadInput("the destination is empty", hint="pass a URL or the name of a URL group")
    if not _GROUP.fullmatch(destination):
        raise missing_scheme("the destination has", destination)
    if _looks_like_a_host(destination):
        error = missing_scheme("the destination has", destination)
        error.hint += ", or pass --no-check if it is a URL group"
        raise error
    return destination


def missing_scheme(what_has: str, text: str) -> BadInput:
    """Returns the error for a URL without a scheme, which suggests the URL that is likely meant.

    That is http:// for this machine and its network, and https:// for all others. `what_has` is
    the beginning of the message, such as "the endpoint has".
    """
    # Another scheme, such as ftp://, is replaced.
    rest = _OTHER_SCHEME.sub("", text.strip()).lstrip("/")
    try:
        is_near = bool(unreachable_reason(f"http://{rest}"))
    except ValueError:
        is_near = False
    # A path alone has no host to suggest.
    url = (
        "https://HOST/PATH"
        if text.startswith("/") and not text.startswith("//")
        else (f"{'http' if is_near else 'https'}://{rest}")
    )
    return BadInput(f"{what_has} no http:// or https://: {text}", hint=f"try {url}")


def _looks_like_a_host(name: str) -> bool:
    return name.lower() in _LOOPBACK_NAMES or bool(
        re.search(r"\.[A-Za-z]{2,}$|^\d+(\.\d+){3}$", name)
    )


def validate_url(url: str) -> str:
    """Returns a URL without its fragment. Raises `BadInput` if it cannot receive deliveries."""
    url = url.partition("#")[0]
    if re.search(r"[\s\x00-\x1f\x7f]", url) or not url.isascii():
        raise BadInput(
            f"the destination contains characters that are not allowed in a URL: {url!r}",
            hint="percent-encode spaces and non-ASCII characters",
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise BadInput(f"the destination is not a URL: {url}") from None
    if not parts.hostname:
        raise BadInput(f"the destination has no host: {url}", hint="write https://host/path")
    return url


def unreachable_reason(url: str) -> str:
    """Returns why QStash in the cloud cannot reach the host of `url`, empty if it may.

    Only inspects the text: no name is resolved.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host in _LOOPBACK_NAMES or host.endswith(".localhost"):
        return _LOOPBACK
    # An IP address starts with a digit or contains colons.
    if not (host[:1].isdigit() or ":" in host):
        return ""
    import ipaddress

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if address.is_loopback or address.is_unspecified:
        return _LOOPBACK
    return "a private address" if address.is_private or address.is_link_local else ""


def is_loopback(url: str) -> bool:
    """Returns whether the host is this machine."""
    return unreachable_reason(url) == _LOOPBACK


def validate_reachable(url: str, what: str) -> None:
    """Raises `BadInput` if QStash in the cloud cannot reach `url`. `what` describes the URL."""
    reason = unreachable_reason(url) if is_url(url) else ""
    if reason:
        raise BadInput(
            f"the {what} is {reason}, which QStash cannot reach from the cloud: {url}",
            hint="run `qstash dev` and add --dev to deliver on this machine",
        )

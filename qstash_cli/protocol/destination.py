"""Where a message goes: a URL, or the name of a URL group. Source: QStash docs, "Publish"."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from qstash_cli.errors import BadInput

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_ENCODED_SCHEME = re.compile(r"https?%3a%2f%2f", re.IGNORECASE)
_GROUP = re.compile(r"[A-Za-z0-9._-]+")
_LOOPBACK = "a loopback address"
_LOOPBACK_NAMES = ("localhost", "localhost.localdomain")


def is_url(destination: str) -> bool:
    """Whether it begins with `http://` or `https://`; anything else is a URL group."""
    return bool(_SCHEME.match(destination))


def validate_destination(destination: str) -> str:
    """A destination as it may stand in a request path: a URL without its fragment, or a group.

    Raises `BadInput` for what QStash would refuse, or would take for a part of the API's own URL.
    """
    if _ENCODED_SCHEME.match(destination):
        raise BadInput(
            f"the destination is percent-encoded: {destination}",
            hint="QStash wants the URL as it is, with ://",
        )
    if is_url(destination):
        return validate_url(destination)
    if not destination.strip():
        raise BadInput("the destination is empty", hint="give a URL or a URL group's name")
    if not _GROUP.fullmatch(destination):
        raise BadInput(
            f"the destination has no http:// or https://: {destination}",
            hint=f"try https://{destination.removeprefix('//')}",
        )
    if _looks_like_a_host(destination):
        raise BadInput(
            f"the destination has no http:// or https://: {destination}",
            hint=f"try https://{destination}, or pass --no-check if it is a URL group",
        )
    return destination


def _looks_like_a_host(name: str) -> bool:
    return name.lower() in _LOOPBACK_NAMES or bool(
        re.search(r"\.[A-Za-z]{2,}$|^\d+(\.\d+){3}$", name)
    )


def validate_url(url: str) -> str:
    """A URL without its fragment. Raises `BadInput` if nothing can be delivered to it."""
    url = url.partition("#")[0]
    if re.search(r"[\s\x00-\x1f\x7f]", url) or not url.isascii():
        raise BadInput(
            f"the destination has characters that a URL cannot hold: {url!r}",
            hint="percent-encode blanks and letters beyond ASCII",
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
    """Why QStash in the cloud cannot reach the host of `url`, or nothing if it may.

    Only the text is looked at: no name is resolved.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host in _LOOPBACK_NAMES or host.endswith(".localhost"):
        return _LOOPBACK
    # An address begins with a digit, or has colons.
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
    """The host is this machine."""
    return unreachable_reason(url) == _LOOPBACK


def validate_reachable(url: str, what: str) -> None:
    """Raises `BadInput` if QStash in the cloud could not reach `url`. `what` names it."""
    reason = unreachable_reason(url) if is_url(url) else ""
    if reason:
        raise BadInput(
            f"QStash cannot reach {reason} from the cloud, the {what} is: {url}",
            hint="run `qstash dev` and add --dev to deliver on this machine",
        )

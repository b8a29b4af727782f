"""Finds how a URL differs from the signed one, and the usual cause of each difference."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, urlsplit

from qstash_cli.captures.diagnosis import Diagnosis

_SIGNED = "verify with the URL that the message was published to"
_MAX_CHARACTERS = 200

Part = Iterator[tuple[str, str]]


def find(url: str, signed: str) -> list[Diagnosis]:
    """Returns a diagnosis for each part that differs, none if a URL cannot be parsed."""
    try:
        ours, theirs = urlsplit(url), urlsplit(signed)
        parts = [*_scheme(ours, theirs), *_host(ours, theirs), *_path(ours, theirs),
                 *_query(ours, theirs)]  # fmt: skip
    except ValueError:
        return []
    return [Diagnosis("sub", what, fix) for what, fix in parts]


def _scheme(ours: SplitResult, theirs: SplitResult) -> Part:
    if ours.scheme != theirs.scheme:
        yield (
            f"the scheme is {_cut(ours.scheme)}, but {_cut(theirs.scheme)} was signed",
            "behind a proxy that terminates TLS, take the scheme from X-Forwarded-Proto",
        )


def _host(ours: SplitResult, theirs: SplitResult) -> Part:
    if ours.hostname != theirs.hostname:
        yield (
            f"the host is {_cut(ours.hostname)}, but {_cut(theirs.hostname)} was signed",
            f"{_SIGNED}: a proxy, tunnel or `qstash dev --route` does not change the signed host",
        )
    elif ours.port != theirs.port:
        yield (
            f"the port is {ours.port or 'missing'}, but {theirs.port or 'no port'} was signed",
            f"{_SIGNED}, with the same port or without one",
        )
    elif ours.netloc != theirs.netloc:
        yield (
            "the host is spelled differently",
            "QStash signs the host exactly as it was published",
        )


def _path(ours: SplitResult, theirs: SplitResult) -> Part:
    mine, signed = ours.path, theirs.path
    if mine == signed:
        return
    if mine.rstrip("/") == signed.rstrip("/"):
        yield "the trailing slash of the path differs", f"{_SIGNED}; a router may change it"
    elif unquote(mine) == unquote(signed):
        yield "the path is percent-encoded differently", "use the raw path of the request"
    elif signed.endswith(mine) or mine.endswith(signed):
        longer, shorter = max(mine, signed, key=len), min(mine, signed, key=len)
        prefix = _cut(longer[: len(longer) - len(shorter)])
        state = "was signed and is missing" if longer == signed else "was not signed"
        yield (
            f"the prefix {prefix} of the path {state}",
            "a gateway stage or a mounted router added or removed it; restore the original path",
        )
    else:
        yield f"the path is {_cut(mine)}, but {_cut(signed)} was signed", _SIGNED


def _query(ours: SplitResult, theirs: SplitResult) -> Part:
    mine, signed = ours.query, theirs.query
    if mine == signed:
        return
    if not mine:
        yield f"the query {_cut(signed)} is missing", "verify with the full URL, query included"
    elif not signed:
        yield f"the query {_cut(mine)} was not signed", _SIGNED
    elif sorted(mine.split("&")) == sorted(signed.split("&")):
        yield "the query parameters are in another order", "use the raw query of the request"
    elif unquote(mine.replace("+", " ")) == unquote(signed.replace("+", " ")):
        yield "the query is percent-encoded differently", "use the raw query of the request"
    else:
        yield f"the query is {_cut(mine)}, but {_cut(signed)} was signed", _SIGNED


def _cut(text: str | None) -> str:
    if not text:
        return "missing"
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."

"""In what a URL differs from the signed one, and what usually does that."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, urlsplit

from qstash_cli.captures.finding import Finding

_SIGNED = "check against the URL that QStash was given"


def find(url: str, signed: str) -> list[Finding]:
    """One finding for each part that differs, none if a URL cannot be taken apart."""
    try:
        ours, theirs = urlsplit(url), urlsplit(signed)
        parts = [*_scheme(ours, theirs), *_host(ours, theirs), *_path(ours, theirs),
                 *_query(ours, theirs)]  # fmt: skip
    except ValueError:
        return []
    return [Finding("sub", what, fix) for what, fix in parts]


Part = Iterator[tuple[str, str]]


def _scheme(ours: SplitResult, theirs: SplitResult) -> Part:
    if ours.scheme != theirs.scheme:
        yield (
            f"the scheme is {ours.scheme}, and {theirs.scheme} was signed",
            "behind a proxy that ends TLS, take it from X-Forwarded-Proto",
        )


def _host(ours: SplitResult, theirs: SplitResult) -> Part:
    if ours.hostname != theirs.hostname:
        yield (
            f"the host is {ours.hostname}, and {theirs.hostname} was signed",
            f"{_SIGNED}: a proxy, a tunnel or `qstash dev --route` keeps the original one",
        )
    elif ours.port != theirs.port:
        yield (
            f"the port is {ours.port or 'left out'}, and {theirs.port or 'none'} was signed",
            f"{_SIGNED}, with or without the port as it was there",
        )
    elif ours.netloc != theirs.netloc:
        yield "the host is written in other letters", "QStash signs it as it was given"


def _path(ours: SplitResult, theirs: SplitResult) -> Part:
    mine, signed = ours.path, theirs.path
    if mine == signed:
        return
    if mine.rstrip("/") == signed.rstrip("/"):
        yield "the slash at the end of the path differs", f"{_SIGNED}; a router may change it"
    elif unquote(mine) == unquote(signed):
        yield "the path is percent-encoded in another way", "take the raw path of the request"
    elif signed.endswith(mine) or mine.endswith(signed):
        longer, shorter = max(mine, signed, key=len), min(mine, signed, key=len)
        prefix = longer[: len(longer) - len(shorter)]
        whose = "was signed and is missing" if longer == signed else "was not signed"
        yield (
            f"the prefix {prefix} of the path {whose}",
            "a gateway's stage or a mounted router takes it away or adds it; put it back",
        )
    else:
        yield f"the path is {mine}, and {signed} was signed", _SIGNED


def _query(ours: SplitResult, theirs: SplitResult) -> Part:
    mine, signed = ours.query, theirs.query
    if mine == signed:
        return
    if not mine:
        yield f"the query {signed} is missing", "take the URL with its query"
    elif not signed:
        yield f"the query {mine} was not signed", _SIGNED
    elif sorted(mine.split("&")) == sorted(signed.split("&")):
        yield "the query is in another order", "take the raw query of the request"
    elif unquote(mine.replace("+", " ")) == unquote(signed.replace("+", " ")):
        yield "the query is percent-encoded in another way", "take the raw query of the request"
    else:
        yield f"the query is {mine}, and {signed} was signed", _SIGNED

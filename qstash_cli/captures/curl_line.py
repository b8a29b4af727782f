"""Reads a curl command, as browsers and proxies copy it."""

from __future__ import annotations

import re

from qstash_cli.captures import shell_words
from qstash_cli.captures.capture import Capture

_BODY = {"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"}
_VALUED = {"-o", "-u", "-A", "-e", "-b", "--max-time", "--user", "--user-agent", "--cookie"}
_COMMAND = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\$\s+)?curl(?:\.exe)?\s+")


def read(data: bytes) -> Capture | None:
    """Returns the request that the command would send, None if it is not a curl command."""
    command = _COMMAND.match(data)
    if command is None:
        return None
    words = shell_words.split(data[command.end() :].decode("utf-8", "replace"))
    return None if words is None else _request(words)


def _request(words: list[str]) -> Capture:
    headers: list[tuple[str, str]] = []
    bodies: list[str] = []
    method, url = "", None
    rest = iter(words)
    for word in rest:
        name, equals, attached = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in {"-H", "--header"}:
            field, _, value = (attached or next(rest, "")).partition(":")
            headers.append((field.strip(), value.strip()))
        elif name in {"-X", "--request"}:
            method = attached or next(rest, "")
        elif name in _BODY:
            bodies.append(attached if equals else next(rest, ""))
        elif name == "--url":
            url = attached or next(rest, "")
        elif name in _VALUED:
            next(rest, "")
        elif word.strip() and not word.startswith("-"):
            url = word
    return Capture(
        source="curl command",
        method=method or ("POST" if bodies else "GET"),
        url=url,
        headers=tuple(headers),
        body="&".join(bodies).encode("utf-8", "surrogatepass"),
    )

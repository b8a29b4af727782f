"""A curl command, as browsers and proxies copy it."""

from __future__ import annotations

import re
import shlex

from qstash_cli.captures.capture import Capture

_BODY = {"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"}
_VALUED = {"-o", "-u", "-A", "-e", "-b", "--max-time", "--user", "--user-agent", "--cookie"}
_ANSI_C = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)


def read(data: bytes) -> Capture | None:
    """The request that the command makes, None if it is no curl command."""
    text = data.decode("utf-8", "replace").strip()
    if not re.match(r"(\$ )?curl(\.exe)?\s", text):
        return None
    try:
        words = shlex.split(_ANSI_C.sub(_plain_quotes, text).replace("\\\r\n", "\\\n"))
    except ValueError:
        return None
    return _request(words[words.index(next(w for w in words if w.startswith("curl"))) + 1 :])


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
            # A backslash before a line end leaves a word of its own behind.
            url = word
    body = "&".join(bodies).encode("utf-8", "surrogateescape") if bodies else b""
    return Capture(
        source="curl command",
        method=method or ("POST" if bodies else "GET"),
        url=url,
        headers=tuple(headers),
        body=body,
    )


def _plain_quotes(quoted: re.Match[str]) -> str:
    escapes = {"n": "\n", "r": "\r", "t": "\t"}

    def plain(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else escapes.get(found[3], found[3])

    text = re.sub(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", plain, quoted[1])
    return shlex.quote(text)

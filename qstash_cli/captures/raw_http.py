"""A raw HTTP/1 request, as a proxy or a terminal shows it. Source: RFC 9112."""

from __future__ import annotations

import re

from qstash_cli.captures.capture import Capture, Pairs

_START = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*([A-Z]{3,10}) (\S+)(?: HTTP/[\d.]+)?[ \t]*\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


def read(data: bytes) -> Capture | None:
    """The request, None if it is no raw HTTP."""
    start = _START.match(data)
    if start is None:
        return None
    head, _, body = _split(data[start.end() :])
    headers = _headers(head)
    if not headers:
        return None
    fields = {name.lower(): value for name, value in headers}
    if "chunked" in fields.get("transfer-encoding", "").lower():
        body = _unchunked(body)
    elif fields.get("content-length", "").isdigit():
        body = _without_last_line_end(body, int(fields["content-length"]))
    return Capture(
        source="raw HTTP",
        method=start[1].decode(),
        url=_url(start[2].decode("latin-1"), fields),
        headers=headers,
        body=body,
    )


def _split(rest: bytes) -> tuple[bytes, bytes, bytes]:
    end = _BLANK_LINE.search(rest)
    return (rest, b"", b"") if end is None else (rest[: end.start()], end[0], rest[end.end() :])


def _headers(head: bytes) -> Pairs:
    pairs = (line.decode("utf-8", "replace").partition(":") for line in head.splitlines())
    return tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)


def _without_last_line_end(body: bytes, length: int) -> bytes:
    # An editor that saved the capture may have put a line end behind it.
    return body[:length] if body[length:].strip(b"\r\n") == b"" else body


def _unchunked(body: bytes) -> bytes:
    joined, rest = b"", body
    while True:
        size_line, line_end, rest = rest.partition(b"\n")
        size = size_line.split(b";")[0].strip()
        if not line_end or not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
            # Some proxies show the body whole and keep the header.
            return joined or body
        length = int(size, 16)
        if length == 0:
            return joined
        joined, rest = joined + rest[:length], rest[length:].lstrip(b"\r\n")


def _url(target: str, fields: dict[str, str]) -> str | None:
    if target.startswith(("http://", "https://")):
        return target
    host = fields.get("x-forwarded-host") or fields.get("host")
    if not host:
        return None
    return f"{scheme_of(fields, host)}://{host}{target}"


def scheme_of(fields: dict[str, str], host: str) -> str:
    """The scheme that the sender used: what a proxy says, or http on this machine alone."""
    forwarded = fields.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    if forwarded in {"http", "https"}:
        return forwarded
    is_local = re.match(r"(localhost|127\.|\[::1\])", host.lower()) is not None
    return "http" if is_local else "https"

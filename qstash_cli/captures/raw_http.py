"""Reads a raw HTTP/1 request, as a proxy or a terminal prints it. Source: RFC 9112."""

from __future__ import annotations

import re

from qstash_cli.captures.capture import Capture, Pairs

_START = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*([A-Z]{3,10}) (\S+)(?: HTTP/[\d.]+)?[ \t]*\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(rb"[ \t\r\n]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")
_CONTENT_LENGTH = re.compile(r"[0-9]{1,18}")


def read(data: bytes) -> Capture | None:
    """Returns the request, None if the data is not raw HTTP."""
    start = _START.match(data)
    if start is None:
        return None
    head, body = _split(data, start.end())
    headers = _headers(head)
    if not headers:
        return None
    fields = {name.lower(): value for name, value in headers}
    if "chunked" in fields.get("transfer-encoding", "").lower():
        body = _unchunked(body)
    elif _CONTENT_LENGTH.fullmatch(fields.get("content-length", "")):
        body = _without_last_line_end(body, int(fields["content-length"]))
    return Capture(
        source="raw HTTP",
        method=start[1].decode(),
        url=_url(start[2].decode("latin-1"), fields),
        headers=headers,
        body=body,
    )


def _split(data: bytes, head_at: int) -> tuple[bytes, bytes]:
    end = _BLANK_LINE.search(data, head_at)
    return (
        (data[head_at:], b"") if end is None else (data[head_at : end.start()], data[end.end() :])
    )


def _headers(head: bytes) -> Pairs:
    pairs = (line.decode("utf-8", "replace").partition(":") for line in head.splitlines())
    return tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)


def _without_last_line_end(body: bytes, length: int) -> bytes:
    # The editor that saved the capture may have added a line end.
    return body[:length] if body[length:].strip(b"\r\n") == b"" else body


def _unchunked(body: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0
    while (size := _CHUNK_SIZE.match(body, at)) is not None:
        length = int(size[1], 16)
        if length == 0:
            return b"".join(pieces)
        pieces.append(body[size.end() : size.end() + length])
        at = size.end() + length
    # Some proxies print the decoded body but keep the Transfer-Encoding header.
    return b"".join(pieces) or body


def _url(target: str, fields: dict[str, str]) -> str | None:
    if target.startswith(("http://", "https://")):
        return target
    host = fields.get("x-forwarded-host") or fields.get("host")
    if not host:
        return None
    return f"{scheme_of(fields, host)}://{host}{target}"


def scheme_of(fields: dict[str, str], host: str) -> str:
    """Returns the sender's scheme: X-Forwarded-Proto if present, else http for loopback hosts."""
    forwarded = fields.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    if forwarded in {"http", "https"}:
        return forwarded
    is_local = re.match(r"(localhost|127\.|\[::1\])", host.lower()) is not None
    return "http" if is_local else "https"

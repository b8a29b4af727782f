"""Writes a captured request as raw HTTP, which `raw_http` reads back."""

from __future__ import annotations

from qstash_cli.captures.capture import Capture


def as_raw_http(capture: Capture, target: str) -> bytes:
    """Returns the request with `target` in its request line and the body byte for byte."""
    fields = [
        (name, value)
        for name, value in capture.headers
        if name.lower() not in {"content-length", "transfer-encoding"}
    ]
    body = capture.body or b""
    fields.append(("Content-Length", str(len(body))))
    head = [f"{capture.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*head, "", ""]).encode("utf-8", "replace") + body

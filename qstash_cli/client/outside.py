"""Requests to other servers than QStash, which never see its token."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qstash_cli.frozen import dataclass
from qstash_cli.protocol.destination import is_loopback
from qstash_cli.protocol.headers import Headers

if TYPE_CHECKING:
    import httpx

_MOST_BODY_BYTES = 1_048_576


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back, and how long it took.

    `body` is cut after a mebibyte. `status` is 0 and `error` says why if there was no answer.
    """

    status: int = 0
    body: bytes = b""
    error: str = ""
    took_ms: int = 0


def ask(
    method: str, url: str, *, timeout_s: float, headers: Headers = (), body: bytes = b""
) -> Reply:
    """What a URL answers. Redirects are not followed, as QStash follows none."""
    import httpx

    try:
        request = _request(method, url, headers, body)
        with httpx.Client(
            timeout=timeout_s,
            # A proxy cannot reach this machine's loopback.
            trust_env=not is_loopback(url),
            # Loading certificates takes time, and plain HTTP needs none.
            verify=url.lower().startswith("https:") and httpx.create_ssl_context(),
        ) as http:
            return _reply(http, request)
    except httpx.TimeoutException:
        return Reply(error=f"no answer within {timeout_s:g}s")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as fault:
        return Reply(error=str(fault) or type(fault).__name__)


def _request(method: str, url: str, headers: Headers, body: bytes) -> httpx.Request:
    import httpx

    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    target = url[len(origin) :].partition("#")[0]
    return httpx.Request(
        method,
        origin,
        headers=[(name.encode(), value.encode()) for name, value in headers],
        content=body,
        # Byte for byte as it was given: httpx would write it its own way.
        extensions={"target": (target if target.startswith("/") else f"/{target}").encode()},
    )


def _reply(http: httpx.Client, request: httpx.Request) -> Reply:
    response = http.send(request, auth=None, follow_redirects=False, stream=True)
    received = bytearray()
    try:
        for chunk in response.iter_bytes():
            received += chunk
            if len(received) > _MOST_BODY_BYTES:
                break
    finally:
        response.close()
    return Reply(
        status=response.status_code,
        body=bytes(received[:_MOST_BODY_BYTES]),
        took_ms=round(response.elapsed.total_seconds() * 1000),
    )

"""Requests to other servers than QStash, which never see its token."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from qstash_cli.client.deadline import within
from qstash_cli.protocol.destination import is_loopback
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.response_body import BoundedBody

if TYPE_CHECKING:
    import httpx2

_MOST_BODY_BYTES = 1_048_576
_MOST_ERROR_CHARACTERS = 1000


class Reply(NamedTuple):
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
    import httpx2

    try:
        request = _request(method, url, headers, body)
        with httpx2.Client(
            timeout=timeout_s,
            # A proxy cannot reach this machine's loopback.
            trust_env=not is_loopback(url),
            # Loading certificates takes time, and plain HTTP needs none.
            verify=url.lower().startswith("https:") and httpx2.create_ssl_context(),
        ) as http:
            return within(timeout_s, lambda: _reply(http, request))
    except (httpx2.TimeoutException, TimeoutError):
        return Reply(error=f"no answer within {timeout_s:g}s")
    except Exception as error:  # noqa: BLE001 - whatever an endpoint causes is its result
        return Reply(error=(str(error) or type(error).__name__)[:_MOST_ERROR_CHARACTERS])


def _request(method: str, url: str, headers: Headers, body: bytes) -> httpx2.Request:
    import httpx2

    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    target = url[len(origin) :].partition("#")[0]
    return httpx2.Request(
        method,
        origin,
        headers=[(name.encode(), value.encode()) for name, value in headers],
        content=body,
        # Byte for byte as it was given: httpx2 would normalize it.
        extensions={"target": (target if target.startswith("/") else f"/{target}").encode()},
    )


def _reply(http: httpx2.Client, request: httpx2.Request) -> Reply:
    response = http.send(request, auth=None, follow_redirects=False, stream=True)
    try:
        body = BoundedBody(response.headers.get("content-encoding", ""), _MOST_BODY_BYTES)
        for chunk in response.iter_raw():
            if not body.feed(chunk):
                break
    finally:
        response.close()
    return Reply(
        status=response.status_code,
        body=body.value,
        took_ms=round(response.elapsed.total_seconds() * 1000),
    )

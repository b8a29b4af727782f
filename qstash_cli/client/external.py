"""Requests to servers other than QStash, which never receive its token."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from qstash_cli.client.deadline import within
from qstash_cli.network_reason import network_reason
from qstash_cli.protocol.destination import is_loopback
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.response_body import BoundedBody
from qstash_cli.protocol.tls_mismatch import plain_http_error

if TYPE_CHECKING:
    import httpx2

_BODY_LIMIT_BYTES = 1_048_576
_ERROR_LIMIT_CHARACTERS = 1000


class ExternalResponse(NamedTuple):
    """A response, with at most 1 MiB of its body; `status` is 0 if there is an `error` instead.

    `is_unreachable` says that no connection was established, so nothing was sent.
    """

    status: int = 0
    body: bytes = b""
    error: str = ""
    took_ms: int = 0
    is_unreachable: bool = False


def send(
    method: str, url: str, *, timeout_s: float, headers: Headers = (), body: bytes = b""
) -> ExternalResponse:
    """Sends a request to a URL and returns the response. Like QStash, it follows no redirects."""
    import httpx2

    try:
        request = _request(method, url, headers, body)
        with httpx2.Client(
            timeout=timeout_s,
            # A proxy cannot reach this machine's loopback.
            trust_env=not is_loopback(url),
            # Loading certificates takes time, and plain HTTP does not need them.
            verify=url.lower().startswith("https:") and httpx2.create_ssl_context(),
        ) as http:
            return within(timeout_s, lambda: _receive(http, request))
    except (httpx2.TimeoutException, TimeoutError):
        return ExternalResponse(error=f"no response within {timeout_s:g}s")
    except Exception as error:  # noqa: BLE001 - an endpoint may cause any error
        text = network_reason(error) or plain_http_error(url, str(error) or type(error).__name__)
        return ExternalResponse(
            error=text[:_ERROR_LIMIT_CHARACTERS],
            is_unreachable=isinstance(error, httpx2.ConnectError),
        )


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
        # The URL is sent byte for byte; httpx2 would normalize it.
        extensions={"target": (target if target.startswith("/") else f"/{target}").encode()},
    )


def _receive(http: httpx2.Client, request: httpx2.Request) -> ExternalResponse:
    response = http.send(request, auth=None, follow_redirects=False, stream=True)
    try:
        body = BoundedBody(response.headers.get("content-encoding", ""), _BODY_LIMIT_BYTES)
        for chunk in response.iter_raw():
            if not body.feed(chunk):
                break
    finally:
        response.close()
    return ExternalResponse(
        status=response.status_code,
        body=body.value,
        took_ms=round(response.elapsed.total_seconds() * 1000),
    )

"""One attempt to deliver a message over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2

from qstash_cli.network_reason import network_reason
from qstash_cli.protocol.response_body import BoundedBody
from qstash_cli.protocol.tls_mismatch import plain_http_error
from qstash_cli.server.delivery.connections import Connections

MAX_TIMEOUT_S = 900
_MAX_RESPONSE_BYTES = 1_048_576
_MAX_ERROR_CHARACTERS = 1000


class AttemptResponse(NamedTuple):
    """The response to an attempt. Without one, `status` is 0 and `error` says why.

    `is_rejected` is set for a response that `error` says is not acceptable, whatever its status.
    `faults` names the faults that were injected.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: str = ""
    is_rejected: bool = False
    faults: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether the destination accepted the message."""
        return 200 <= self.status < 300 and not self.is_rejected

    @property
    def is_final(self) -> bool:
        """Whether the destination forbids a retry. Source: QStash docs, "Retry"."""
        marks = {name.lower(): value.lower() for name, value in self.headers}
        return self.is_rejected or (
            self.status == 489 and marks.get("upstash-nonretryable-error") == "true"
        )


class Deliverer:
    """Sends requests to destinations; `routes` maps URL prefixes to their real targets."""

    def __init__(
        self,
        routes: Sequence[tuple[str, str]],
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._routes = sorted(routes, key=lambda route: -len(route[0]))
        self._http = httpx2.AsyncClient(
            transport=transport or Connections(),
            trust_env=False,
            # Each attempt has a timeout of its own.
            timeout=None,
        )

    async def deliver(
        self,
        *,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        timeout_s: float,
    ) -> AttemptResponse:
        """Returns the response of the destination, or the error that prevented it.

        Raises nothing but a cancellation: every error is a failed attempt.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(method, self.route(url), headers, body)
        except TimeoutError:
            return timed_out(timeout_s)
        except Exception as error:  # noqa: BLE001 - an attempt that is not counted repeats forever
            response = failed(error)
            return response._replace(error=plain_http_error(self.route(url), response.error))

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    def route(self, url: str) -> str:
        """Returns the real target of a URL."""
        for prefix, target in self._routes:
            base = prefix.rstrip("/")
            if url == base or url.startswith((f"{base}/", f"{base}?")):
                return target.rstrip("/") + url.removeprefix(base)
        return url

    async def _exchange(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> AttemptResponse:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        target = url[len(origin) :] or "/"
        if not target.startswith("/"):
            target = f"/{target}"
        request = httpx2.Request(
            method,
            origin,
            headers=[(n.encode(), v.encode()) for n, v in headers],
            content=body or None if method in {"GET", "DELETE"} else body,
            # Sent unchanged: httpx2 would normalize it.
            extensions={"target": target.encode()},
        )
        response = await self._http.send(request, auth=None, follow_redirects=False, stream=True)
        try:
            received = BoundedBody(
                response.headers.get("content-encoding", ""), _MAX_RESPONSE_BYTES
            )
            async for chunk in response.aiter_raw():
                if not received.feed(chunk):
                    break
        finally:
            await response.aclose()
        return AttemptResponse(
            status=response.status_code,
            headers=tuple(response.headers.multi_items()),
            body=received.value,
        )


def timed_out(timeout_s: float) -> AttemptResponse:
    """Returns the response of an attempt that took too long."""
    return AttemptResponse(error=f"no complete response within {timeout_s:g}s")


def failed(error: Exception) -> AttemptResponse:
    """Returns the response of an attempt that ended with an exception."""
    text = network_reason(error) or str(error) or type(error).__name__
    return AttemptResponse(error=text[:_MAX_ERROR_CHARACTERS])

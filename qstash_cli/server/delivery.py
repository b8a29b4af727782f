"""One attempt to deliver a message over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from qstash_cli.frozen import dataclass
from qstash_cli.server.connections import Connections

LONGEST_S = 900
_MOST_RESPONSE_BYTES = 1_048_576


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of an attempt. `status` is 0 and `error` says why if there was no answer."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: str = ""

    @property
    def is_success(self) -> bool:
        """The destination took the message."""
        return 200 <= self.status < 300

    @property
    def is_final(self) -> bool:
        """The destination wants no retry. Source: QStash docs, "Retry"."""
        marks = {name.lower(): value.lower() for name, value in self.headers}
        return self.status == 489 and marks.get("upstash-nonretryable-error") == "true"


class Deliverer:
    """Sends requests to destinations; `routes` are URL prefixes and where they really are."""

    def __init__(self, routes: Sequence[tuple[str, str]]) -> None:
        self._routes = sorted(routes, key=lambda route: -len(route[0]))
        self._http = httpx.AsyncClient(
            transport=Connections(),
            trust_env=False,
            timeout=None,  # noqa: S113 - each attempt has its own
        )

    async def deliver(
        self,
        *,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        timeout_s: float,
    ) -> Answer:
        """What the destination answered. Never raises for what the destination does."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(method, self.route(url), headers, body)
        except TimeoutError:
            return Answer(error=f"no complete answer within {timeout_s:g}s")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as fault:
            return Answer(error=str(fault) or type(fault).__name__)

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    def route(self, url: str) -> str:
        """Where a URL really goes."""
        for prefix, target in self._routes:
            base = prefix.rstrip("/")
            if url == base or url.startswith((f"{base}/", f"{base}?")):
                return target.rstrip("/") + url.removeprefix(base)
        return url

    async def _exchange(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> Answer:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        target = url[len(origin) :] or "/"
        if not target.startswith("/"):
            target = f"/{target}"
        request = httpx.Request(
            method,
            origin,
            headers=[(n.encode(), v.encode()) for n, v in headers],
            content=body or None if method in {"GET", "DELETE"} else body,
            # Byte for byte as it was given: httpx would write it its own way.
            extensions={"target": target.encode()},
        )
        response = await self._http.send(request, auth=None, follow_redirects=False, stream=True)
        try:
            received = bytearray()
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > _MOST_RESPONSE_BYTES:
                    break
        finally:
            await response.aclose()
        return Answer(
            status=response.status_code,
            headers=tuple(response.headers.multi_items()),
            body=bytes(received[:_MOST_RESPONSE_BYTES]),
        )

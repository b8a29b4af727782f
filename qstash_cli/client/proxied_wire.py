"""The wire through a proxy: httpx, which knows what the environment may say of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qstash_cli.client.body_limits import first, most_bytes, refuse_part
from qstash_cli.client.deadline import within
from qstash_cli.client.response import (
    Answer,
    Fault,
    NotConnected,
    NotConnectedInTime,
    Pairs,
    TimedOut,
    Unusable,
)

if TYPE_CHECKING:
    import ssl

    import httpx


class ProxiedWire:
    """One httpx client. Raises `Unusable` for a proxy that cannot be used.

    `transport` takes the place of the network.
    """

    def __init__(
        self,
        url: str,
        *,
        context: ssl.SSLContext | bool,
        connect_timeout_s: float,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        import httpx

        self._url = url
        self._connect_timeout_s = connect_timeout_s
        try:
            self._http = httpx.Client(
                transport=transport,
                follow_redirects=False,
                verify=context,
            )
        except (ValueError, ImportError, httpx.InvalidURL) as fault:
            raise Unusable from fault

    def send(
        self, method: str, target: str, headers: Pairs, body: bytes, *, limit_s: float
    ) -> Answer:
        """The answer to one request, whole within the limit. Redirects are not followed.

        Raises `Fault`, and `QstashError` for an answer that is too long.
        """
        import httpx

        request = self._http.build_request(
            method,
            self._url,
            headers=list(headers),
            content=body,
            timeout=httpx.Timeout(limit_s, connect=self._connect_timeout_s),
            extensions={"target": target.encode()},
        )
        began_at = time.perf_counter()
        try:
            response, content = within(limit_s, lambda: _received(self._http, request))
        except httpx.ConnectTimeout as fault:
            raise NotConnectedInTime(str(fault)) from fault
        except httpx.ConnectError as fault:
            raise NotConnected(_reason(fault)) from fault
        except (httpx.TimeoutException, TimeoutError) as fault:
            raise TimedOut(str(fault)) from fault
        except httpx.HTTPError as fault:
            raise Fault(_reason(fault)) from fault
        return Answer(
            response.status_code,
            response.reason_phrase,
            dict(response.headers.items()),
            content,
            time.perf_counter() - began_at,
        )

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()


def _received(http: httpx.Client, request: httpx.Request) -> tuple[httpx.Response, bytes]:
    response = http.send(request, stream=True)
    try:
        content, is_whole = first(response.iter_bytes(), most_bytes(response.status_code))
    finally:
        response.close()
    if not is_whole:
        refuse_part(response.status_code)
    return response, content


def _reason(fault: Exception) -> str:
    return str(fault) or type(fault).__name__

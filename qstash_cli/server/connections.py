"""Connections to destinations, each kept open for the next request to the same place.

httpx's own pool looks through all of its connections for every request, and asks the system about
each: with a hundred of them that takes twenty times as long as the request itself. Here each has a
pool to itself, and finding one is a step.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cached_property

import httpx

_KEPT_S = 30
# As many are kept while nothing is sent over them.
_MOST_IDLE = 256

_Origin = tuple[bytes, bytes, int | None]


class Connections(httpx.AsyncBaseTransport):
    """What an `AsyncClient` sends with: as many connections as there are requests under way."""

    def __init__(self) -> None:
        # The one that was used last is taken first, and given up last.
        self._idle: OrderedDict[httpx.AsyncHTTPTransport, _Origin] = OrderedDict()
        self._of: dict[_Origin, list[httpx.AsyncHTTPTransport]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whose stream gives the connection back when it is closed."""
        origin = (request.url.raw_scheme, request.url.raw_host, request.url.port)
        transport = self._taken(origin) or self._new(origin)
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            await transport.aclose()
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - it is async

        async def give_back() -> None:
            await self._keep(transport, origin)

        response.stream = _Lent(response.stream, give_back)
        return response

    async def aclose(self) -> None:
        """Closes those that nothing is sent over."""
        idle, self._idle, self._of = self._idle, OrderedDict(), {}
        for transport in idle:
            await transport.aclose()

    def _taken(self, origin: _Origin) -> httpx.AsyncHTTPTransport | None:
        of_it = self._of.get(origin)
        if not of_it:
            return None
        transport = of_it.pop()
        if not of_it:
            # Else each of very many places would leave something behind.
            del self._of[origin]
        del self._idle[transport]
        return transport

    async def _keep(self, transport: httpx.AsyncHTTPTransport, origin: _Origin) -> None:
        self._idle[transport] = origin
        self._of.setdefault(origin, []).append(transport)
        if len(self._idle) > _MOST_IDLE:
            oldest, its_origin = self._idle.popitem(last=False)
            self._of[its_origin].remove(oldest)
            if not self._of[its_origin]:
                del self._of[its_origin]
            await oldest.aclose()

    def _new(self, origin: _Origin) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._context if origin[0] == b"https" else False,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=_KEPT_S),
        )

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return httpx.create_ssl_context(trust_env=False)


class _Lent(httpx.AsyncByteStream):
    """The body of an answer; when it is closed, its connection is free."""

    def __init__(
        self, stream: httpx.AsyncByteStream, give_back: Callable[[], Awaitable[None]]
    ) -> None:
        self._stream = stream
        self._give_back = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
        await self._give_back()

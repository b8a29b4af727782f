"""The one way requests reach QStash: authorised, safely repeated, its errors made ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from qstash_cli import __version__
from qstash_cli.client.body_limits import ResponseTooLong
from qstash_cli.client.errors import (
    MAY_BE_PROCESSED,
    endless_list,
    is_still_running,
    refusal,
    unexpected_body,
    unexpected_shape,
)
from qstash_cli.client.paging import PAGE_LIMITS, PageCounter, PageLimits
from qstash_cli.client.rate_limit import pause_after_s
from qstash_cli.client.request import Request
from qstash_cli.client.response import Answer, Fault, NotConnected, TimedOut, Wire
from qstash_cli.client.retry import (
    TOO_MANY_REQUESTS,
    Clock,
    Exchange,
    RetryLimits,
    RetryPolicy,
    exchange,
)
from qstash_cli.errors import BadInput, QstashError, Unreachable
from qstash_cli.protocol.headers import names_a_secret
from qstash_cli.protocol.shapes import Mismatch, mismatch, page_mismatch

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_CONNECT_TIMEOUT_S = 5.0
_USER_AGENT = f"qstash-cli/{__version__}".encode()
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
# Every printable ASCII character: the destination stands in the path exactly as it was given.
_AS_IS = "".join(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the client needs of the world. `now` is in unix seconds, `sleep` takes seconds.

    `trace` is told, line by line, what goes over the wire with the token masked.
    """

    now: Callable[[], float]
    sleep: Callable[[float], None]
    trace: Callable[[str], None] | None = None
    request_timeout_s: float = 60
    max_wait_s: float = 10
    transport: httpx.BaseTransport | None = None


class Page(NamedTuple, Generic[T]):
    """A page of a list; `cursor` is that of the next one, empty on the last."""

    entries: list[T]
    cursor: str


class Client:
    """A connection to one QStash with one token, for any number of threads."""

    def __init__(
        self, api_url: str, token: str, *, is_local: bool, surroundings: Surroundings
    ) -> None:
        self._api_url = api_url
        self._token = token
        self._is_local = is_local
        self._world = surroundings
        self._wire: Wire | None = None
        self._open_at_s = 0.0
        self._opening = Lock()

    def send(self, request: Request[T], retry: RetryPolicy | None = None) -> T:
        """The response to `request`, after retries where these are safe.

        It has the shape that the request declares. Raises `BadCredentials`, `NotFound`,
        `RateLimited`, `Unreachable` or plain `QstashError` with QStash's own words.
        """
        content = self._content(request, retry)
        if request.response is not None:
            self._refuse_mismatch(mismatch(content, request.response), request)
        response: T = content
        return response

    def _content(self, request: Request[Any], retry: RetryPolicy | None = None) -> Any:
        """The JSON of the response, None if it is empty. Raises as `send` does."""
        done = self._exchange(request, retry or RetryPolicy())
        response = done.outcome
        if isinstance(response, Fault):
            raise self._unreachable(response, request, done.attempts) from response
        if not response.is_success:
            raise self._without_token(
                refusal(
                    response, request, attempts=done.attempts, refused_wait_s=done.refused_wait_s
                )
            )
        if not response.content:
            return None
        try:
            return response.json()
        except (ValueError, RecursionError):
            error = unexpected_body(response, request, self._api_url)
            raise self._without_token(error) from None

    def pages(self, request: Request[T], limits: PageLimits = PAGE_LIMITS) -> Iterator[T]:
        """The entries of every page, as they come.

        A page that is too long is requested again with fewer entries. Raises as `send` does, and
        `QstashError` for a list that does not end.
        """
        counter = PageCounter(request.response, limits)
        while True:
            try:
                page = self.page(request)
            except ResponseTooLong:
                smaller = request.with_smaller_page()
                if smaller is None:
                    raise
                request = smaller
                continue
            yield from page.entries
            if not page.cursor:
                return
            problem = counter.problem(page.entries, page.cursor)
            if problem:
                raise endless_list(problem, request, self._api_url)
            request = request.with_query(("cursor", page.cursor))

    def page(self, request: Request[T]) -> Page[T]:
        """The page that the request asks for. Raises as `send` does."""
        content = self._content(request)
        self._refuse_mismatch(page_mismatch(content, request.items, request.response), request)
        return Page(content[request.items], str(content.get("cursor") or ""))

    def _refuse_mismatch(self, found: Mismatch | None, request: Request[Any]) -> None:
        if found is not None:
            raise self._without_token(unexpected_shape(found, request, self._api_url))

    def prepared(self) -> Wire:
        """What sends requests, made ready. Raises `BadInput` as `once` does."""
        with self._opening:
            self._wire = self._wire or self._open()
        return self._wire

    def close(self) -> None:
        """Closes the connection."""
        if self._wire is not None:
            self._wire.close()

    def _exchange(self, request: Request[Any], policy: RetryPolicy) -> Exchange:
        world = self._world
        return exchange(
            lambda limit_s: self._paced(request, limit_s),
            policy=policy,
            limits=RetryLimits(world.request_timeout_s, world.max_wait_s),
            clock=Clock(world.now, world.sleep),
            is_repeatable=request.is_repeatable,
            is_final=lambda response: is_still_running(response, request),
            is_local=self._is_local,
            report=lambda line: self._trace(self.masked(line)),
        )

    def _paced(self, request: Request[Any], limit_s: float) -> Answer:
        self._keep_pace()
        response = self.once(request, limit_s=limit_s)
        if response.status_code != TOO_MANY_REQUESTS:
            now = self._world.now()
            self._open_at_s = now + pause_after_s(response.headers, now)
        return response

    def _keep_pace(self) -> None:
        # Whoever spends the last request of the second knows that the next one would be refused.
        wait_s = self._open_at_s - self._world.now()
        if wait_s > 0:
            self._world.sleep(wait_s)

    def once(self, request: Request[Any], *, limit_s: float) -> Answer:
        """The answer as it came within the limit, to a request that is not repeated.

        Raises `Fault`, `QstashError` for an answer that is too long, and `BadInput` where the
        environment's proxy or certificates are of no use.
        """
        wire = self.prepared()
        self._trace_request(request)
        headers = [
            (b"User-Agent", _USER_AGENT),
            (b"Authorization", f"Bearer {self._token}".encode()),
            *((name.encode(), value.encode()) for name, value in request.headers),
        ]
        answer = wire.send(request.method, target(request), headers, request.body, limit_s=limit_s)
        self._trace_response(answer)
        return answer

    def _open(self) -> Wire:
        if self._world.transport is not None or (not self._is_local and names_a_proxy()):
            return self._open_proxied()
        from qstash_cli.client.transport import PlainWire, certificates

        try:
            context = certificates() if self._is_encrypted else None
        except OSError:
            raise _unreadable_certificates() from None
        return PlainWire(
            self._api_url,
            context=context,
            connect_timeout_s=_CONNECT_TIMEOUT_S,
        )

    def _open_proxied(self) -> Wire:
        from qstash_cli.client.proxied_wire import ProxiedWire
        from qstash_cli.client.response import Unusable
        from qstash_cli.client.transport import certificates

        try:
            return ProxiedWire(
                self._api_url,
                context=self._is_encrypted and certificates(),
                connect_timeout_s=_CONNECT_TIMEOUT_S,
                transport=self._world.transport,
            )
        except OSError:
            raise _unreadable_certificates() from None
        except Unusable:
            # The reason may hold the proxy's password.
            raise BadInput(
                "the proxy cannot be used that HTTPS_PROXY or ALL_PROXY names",
                hint="write it as http://HOST:PORT; SOCKS needs the package socksio",
            ) from None

    @property
    def _is_encrypted(self) -> bool:
        # Loading certificates takes time, and plain HTTP to this machine needs none.
        return not (self._is_local and self._api_url.startswith("http://"))

    def _unreachable(self, fault: Fault, request: Request[Any], attempts: int) -> Unreachable:
        tried = f" ({attempts} attempts)" if attempts > 1 else ""
        was_sent = not isinstance(fault, NotConnected)
        doubt = MAY_BE_PROCESSED if was_sent and not request.is_repeatable else ""
        if was_sent and isinstance(fault, TimedOut):
            limit = f"{self._world.request_timeout_s:g}s"
            return Unreachable(
                f"no response within {limit} from {self._api_url}{tried}",
                hint=doubt or "give --request-timeout a longer time",
            )
        reason = self.masked(str(fault))
        if was_sent:
            return Unreachable(
                f"the connection to {self._api_url} failed: {reason}{tried}",
                hint=doubt or "check the network, and try again",
            )
        if self._is_local:
            return Unreachable(
                f"no server is listening at {self._api_url}: {reason}",
                hint="start the server with `qstash dev`",
            )
        return Unreachable(
            f"cannot connect to {self._api_url}: {reason}{tried}",
            hint="check the network and HTTPS_PROXY, or try `qstash demo`, which needs neither",
        )

    def masked(self, text: str) -> str:
        """The text without the token: some servers and proxies tell what they were asked."""
        return text.replace(self._token, "…")

    def _without_token(self, error: QstashError) -> QstashError:
        error.message = self.masked(error.message)
        return error

    def _trace(self, line: str) -> None:
        if self._world.trace is not None:
            self._world.trace(line)

    def _trace_request(self, request: Request[Any]) -> None:
        if self._world.trace is None:
            return
        self._world.trace(f"> {request.method} {self._api_url}{target(request)}")
        self._world.trace("> Authorization: Bearer …")
        for name, value in request.headers:
            self._world.trace(f"> {name}: {_masked(name, value)}")
        if request.body:
            self._world.trace(f"> ({len(request.body)} bytes)")

    def _trace_response(self, response: Answer) -> None:
        if self._world.trace is None:
            return
        self._world.trace(self.masked(f"< {response.status_code} {response.reason_phrase}"))
        for name, value in response.headers.items():
            self._world.trace(self.masked(f"< {name}: {_masked(name, value)}"))
        self._world.trace(f"< ({len(response.content)} bytes)")


def names_a_proxy() -> bool:
    """Whether the environment, or the system where it has such settings, names a proxy."""
    if sys.platform in {"darwin", "win32"}:
        from urllib.request import getproxies

        return bool(getproxies())
    return any(name.lower() in _PROXIES and value for name, value in os.environ.items())


def _unreadable_certificates() -> BadInput:
    return BadInput(
        "the certificates cannot be read that SSL_CERT_FILE or SSL_CERT_DIR names",
        hint="`qstash doctor` says which; unset it, or name a file in PEM form",
    )


def target(request: Request[Any]) -> str:
    """The path and query of a request as they go on the wire."""
    path = quote(request.path, safe=_AS_IS)
    if not request.query:
        return path
    pairs = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in request.query)
    return f"{path}{'&' if '?' in path else '?'}{pairs}"


def _masked(name: str, value: str) -> str:
    return "…" if names_a_secret(name) else value

"""The client of QStash's API: authorizes requests, retries safe ones, and validates responses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from qstash_cli import __version__
from qstash_cli.client.body_limits import ResponseTooLong
from qstash_cli.client.errors import (
    endless_list,
    error_response,
    excerpt,
    is_still_running,
    unexpected_body,
    unexpected_shape,
    unreachable,
)
from qstash_cli.client.paging import PAGE_LIMITS, PageCounter, PageLimits
from qstash_cli.client.rate_limit import pause_after_s
from qstash_cli.client.request import Request
from qstash_cli.client.response import Response, TransportError
from qstash_cli.client.retry import (
    TOO_MANY_REQUESTS,
    Exchange,
    RetryLimits,
    RetryPolicy,
    SystemClock,
    exchange,
)
from qstash_cli.errors import QstashError
from qstash_cli.json_lines import line_parser
from qstash_cli.protocol.shapes import Mismatch, mismatch, page_mismatch

if TYPE_CHECKING:
    from qstash_cli.client.transport import HttpTransport

T = TypeVar("T")

_PATH_CHARACTERS = 100
# From here on, parsing in half the time makes up for importing msgspec.
_FAST_FROM_PAGE = 20
_USER_AGENT = f"qstash-cli/{__version__}".encode()


@dataclass(frozen=True, kw_only=True)
class ClientConfig:
    """The configuration of a client. `now` is in unix seconds, `sleep` takes seconds.

    `trace` receives each line of requests and responses, with secrets masked.
    """

    now: Callable[[], float]
    sleep: Callable[[float], None]
    trace: Callable[[str], None] | None = None
    waiting: Callable[[str], AbstractContextManager[None]] | None = None
    request_timeout_s: float = 60
    max_wait_s: float = 10


class Page(NamedTuple, Generic[T]):
    """A page of a list. `cursor` is that of the next page, or empty on the last one."""

    entries: list[T]
    cursor: str


class Client:
    """Sends requests to one API URL with one token, from any number of threads."""

    def __init__(self, api_url: str, token: str, *, is_local: bool, config: ClientConfig) -> None:
        self._api_url = api_url
        self._token = token
        self._is_local = is_local
        self._config = config
        self._transport: HttpTransport | None = None
        self._transport_lock = Lock()
        self._paused_until_s = 0.0

    def send(self, request: Request[T], retry: RetryPolicy | None = None) -> T:
        """Sends `request`, with retries if these are safe, and returns the response.

        The response has the type that the request declares. Raises `BadCredentials`, `NotFound`,
        `RateLimited`, `Unreachable` or plain `QstashError` with QStash's own message.
        """
        content = self._content(request, retry)
        if request.response is not None:
            self._raise_on_mismatch(mismatch(content, request.response), request)
        response: T = content
        return response

    def pages(self, request: Request[T], limits: PageLimits = PAGE_LIMITS) -> Iterator[T]:
        """Yields the entries of every page, as the pages arrive.

        Requests a page that is too long again with fewer entries. Raises like `send`, and
        `QstashError` for a list that does not end.
        """
        counter = PageCounter(request.response, limits)
        parse: Callable[[bytes], Any] = json.loads
        for number in count(1):
            if number == _FAST_FROM_PAGE:
                parse = line_parser(json.loads)
            try:
                page = self.page(request, parse)
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

    def page(self, request: Request[T], parse: Callable[[bytes], Any] = json.loads) -> Page[T]:
        """Returns the page of the request, which `parse` reads. Raises like `send`."""
        content = self._content(request, parse=parse)
        self._raise_on_mismatch(page_mismatch(content, request.items, request.response), request)
        return Page(content[request.items], str(content.get("cursor") or ""))

    def send_once(self, request: Request[object], *, limit_s: float) -> Response:
        """Sends one request within the limit, and returns the response, whatever its status.

        Never retries. Raises `TransportError`, `ResponseTooLong`, and `BadInput` like `open`.
        """
        transport = self.open()
        self._trace_request(request)
        headers = [
            (b"User-Agent", _USER_AGENT),
            (b"Authorization", f"Bearer {self._token}".encode()),
            *((name.encode(), value.encode()) for name, value in request.headers),
        ]
        response = transport.send(
            request.method, request.target, headers, request.body, limit_s=limit_s
        )
        self._trace_response(response, request)
        return response

    def open(self) -> HttpTransport:
        """Returns the transport, which connects on the first request.

        Raises `BadInput` if the proxy or the certificates of the environment cannot be used.
        """
        with self._transport_lock:
            if self._transport is None:
                from qstash_cli.client.transport import HttpTransport

                self._transport = HttpTransport(self._api_url)
        return self._transport

    def close(self) -> None:
        """Closes the connections."""
        if self._transport is not None:
            self._transport.close()

    def masked(self, text: str) -> str:
        """Masks the token and the proxy's password in the text, since some servers repeat them."""
        proxy = self._transport.proxy if self._transport else None
        for secret in (self._token, *(proxy.secrets if proxy else ())):
            text = text.replace(secret, "…")
        return text

    def _content(
        self,
        request: Request[object],
        retry: RetryPolicy | None = None,
        parse: Callable[[bytes], Any] = json.loads,
    ) -> Any:
        """Returns the JSON of the response, or None if it is empty. Raises like `send`."""
        with self._waiting(request):
            done = self._exchange(request, retry or RetryPolicy())
        response = done.outcome
        if isinstance(response, TransportError):
            raise self._unreachable(response, request, done) from response
        if not response.is_success:
            error = error_response(
                response, request, attempts=done.attempts, refused_wait_s=done.refused_wait_s
            )
            raise self._masked_error(error)
        if not response.content:
            return None
        try:
            return parse(response.content)
        except (ValueError, RecursionError):
            error = unexpected_body(response, request, self._api_url)
            raise self._masked_error(error) from None

    def _waiting(self, request: Request[object]) -> AbstractContextManager[None]:
        if self._config.waiting is None:
            return nullcontext()
        path = excerpt(request.path.partition("?")[0], _PATH_CHARACTERS)
        return self._config.waiting(f"Waiting for {request.method} {path} …")

    def _exchange(self, request: Request[object], policy: RetryPolicy) -> Exchange:
        config = self._config
        return exchange(
            lambda limit_s: self._paced(request, limit_s),
            policy=policy,
            limits=RetryLimits(config.request_timeout_s, config.max_wait_s),
            clock=SystemClock(config.now, config.sleep),
            is_repeatable=request.is_repeatable,
            is_final=lambda response: is_still_running(response, request),
            is_local=self._is_local,
            report=lambda line: self._trace(self.masked(line)),
        )

    def _paced(self, request: Request[object], limit_s: float) -> Response:
        # After the last request of a second, QStash would reject the next one.
        wait_s = self._paused_until_s - self._config.now()
        if wait_s > 0:
            self._config.sleep(wait_s)
        response = self.send_once(request, limit_s=limit_s)
        if response.status_code != TOO_MANY_REQUESTS:
            now = self._config.now()
            self._paused_until_s = now + pause_after_s(response.headers, now)
        return response

    def _unreachable(
        self, error: TransportError, request: Request[object], done: Exchange
    ) -> QstashError:
        return unreachable(
            error,
            request,
            # Other parts of the message have no secrets, and a short token may be part of any word.
            reason=self.masked(str(error)),
            api_url=self._api_url,
            is_local=self._is_local,
            proxy=self._transport.proxy if self._transport else None,
            attempts=done.attempts,
            timeout_s=self._config.request_timeout_s,
        )

    def _raise_on_mismatch(self, found: Mismatch | None, request: Request[object]) -> None:
        if found is not None:
            raise self._masked_error(unexpected_shape(found, request, self._api_url))

    def _masked_error(self, error: QstashError) -> QstashError:
        error.message = self.masked(error.message)
        return error

    def _trace(self, line: str) -> None:
        if self._config.trace is not None:
            self._config.trace(line)

    def _trace_request(self, request: Request[object]) -> None:
        if self._config.trace is None:
            return
        from qstash_cli.client.trace import request_lines

        url = f"{self._api_url}{request.target}"
        headers, body = request.headers, request.body
        for line in request_lines(request.method, url, headers, body, self.masked):
            self._trace(line)

    def _trace_response(self, response: Response, request: Request[Any]) -> None:
        if self._config.trace is None:
            return
        from qstash_cli.client.trace import response_lines

        for line in response_lines(response, request.path, self.masked):
            self._trace(line)

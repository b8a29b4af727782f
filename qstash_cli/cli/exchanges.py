"""How commands exchange requests with QStash: they read, write, or preview their writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from qstash_cli.cli.run_options import RunOptions
from qstash_cli.client.request import Request
from qstash_cli.errors import BadCredentials, Unreachable
from qstash_cli.output.result import FindError, Result

if TYPE_CHECKING:
    from qstash_cli.cli.preview import Planned
    from qstash_cli.client.client import Client

T = TypeVar("T")


class Send(Protocol):
    """Sends a request and returns its response."""

    def __call__(self, request: Request[T]) -> T: ...


class Exchanges(ABC):
    """Sends reads, and sends writes or previews them with --dry-run and --curl.

    Only `run` and `then` can send a write, and a preview calls neither. So a command is written
    once for both.
    """

    options: RunOptions

    @property
    @abstractmethod
    def api_url(self) -> str:
        """The base URL of the API, even without credentials."""

    @property
    @abstractmethod
    def client(self) -> Client:
        """The connection to QStash."""

    @abstractmethod
    def note(self, text: str) -> None:
        """Writes a note to standard error."""

    @abstractmethod
    def warn(self, text: str) -> None:
        """Writes a warning to standard error."""

    def read(self, request: Request[T]) -> T:
        """Sends a GET and returns its response, with --dry-run and --curl too.

        Used for information that determines the other requests. Raises like `Client.send`.
        """
        with self._reading(request):
            return self.client.send(request)

    def read_pages(self, request: Request[T]) -> Iterator[T]:
        """Yields the items of every page of a GET, which is sent like `read`."""
        with self._reading(request):
            yield from self.client.pages(request)

    def fetch(self, request: Request[T], then: Callable[[T], Result], *, later: str = "") -> Result:
        """Returns the result of a GET, for commands that only read, or a preview of the request."""
        return self.perform([request], lambda send: then(send(request)), later=later)

    def fetch_pages(
        self, request: Request[T], then: Callable[[Iterator[T]], Result], *, later: str = ""
    ) -> Result:
        """Like `fetch`, for a GET with pages."""
        return self.perform([request], lambda _send: then(self.client.pages(request)), later=later)

    def write(self, request: Request[T], then: Callable[[T], Result], *, later: str = "") -> Result:
        """Sends a request that changes something, and returns the result for its response."""
        return self.perform([request], lambda send: then(send(request)), later=later)

    def write_all(
        self,
        requests: Sequence[Request[T]],
        then: Callable[[Iterator[T]], Result],
        *,
        later: str = "",
    ) -> Result:
        """Sends each request when `then` takes its response from the iterator."""
        return self.perform(requests, lambda send: then(map(send, requests)), later=later)

    def perform(
        self,
        requests: Iterable[Planned],
        run: Callable[[Send], Result],
        *,
        later: str = "",
        footer: Callable[[], str | None] | None = None,
        error: FindError | None = None,
    ) -> Result:
        """Returns the result of `run`, which receives the send function; or a preview.

        With --dry-run or --curl the preview displays `requests`, which must be all requests of
        `run`, in order. `later` says which further requests depend on the responses. `footer` and
        `error` are added to the preview's result.
        """
        form = self.options.connection.preview
        if form is None:
            return run(self.client.send)
        from qstash_cli.cli.preview import Preview

        name, query = self.options.output.format, self.options.output.query
        if later and name in {"json", "jsonl"}:
            self.note(later)
        preview = Preview(api_url=self.api_url, form=form, format=name, query=query)
        return preview.of(requests, later)._replace(footer=footer, error=error)

    @contextmanager
    def checking(self, what: str) -> Iterator[None]:
        """Allows reads in the `with` statement to fail in a preview if QStash is unreachable."""
        try:
            yield
        except (BadCredentials, Unreachable) as error:
            if self.options.connection.preview is None:
                raise
            self.warn(f"{error.message}; cannot check {what}")

    @contextmanager
    def _reading(self, request: Request[object]) -> Iterator[None]:
        if request.method not in {"GET", "HEAD"}:
            raise AssertionError(f"not a read: {request.method} {request.path}")
        try:
            yield
        except (BadCredentials, Unreachable) as error:
            if self.options.connection.preview is not None:
                error.message = f"cannot read {request.path} for the preview: {error.message}"
            raise

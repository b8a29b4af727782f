"""How commands reach QStash: they read, and they name what they send and what becomes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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
    """Reads, and writes that --dry-run and --curl turn into a preview.

    Nothing but `run` and `then` can send a write, and a preview calls neither: so a command is
    written once, for both.
    """

    options: RunOptions

    @property
    @abstractmethod
    def api_url(self) -> str:
        """The base URL of the API, without credentials too."""

    @property
    @abstractmethod
    def client(self) -> Client:
        """The connection to QStash."""

    @abstractmethod
    def note(self, text: str) -> None:
        """Writes a message on standard error."""

    @abstractmethod
    def warn(self, text: str) -> None:
        """Writes a warning on standard error."""

    def read(self, request: Request[T]) -> T:
        """The response to a GET, sent now, with --dry-run and --curl too.

        For what a command must know before it can say what else it sends. Raises as
        `Client.send` does.
        """
        with self._reading(request):
            return self.client.send(request)

    def read_pages(self, request: Request[T]) -> Iterator[T]:
        """The items of every page of a GET, sent as `read` does."""
        with self._reading(request):
            yield from self.client.pages(request)

    def fetch(self, request: Request[T], then: Callable[[T], Result], *, later: str = "") -> Result:
        """The result of a GET that is all the command is about; a preview displays the request."""
        return self.perform([request], lambda send: then(send(request)), later=later)

    def fetch_pages(
        self, request: Request[T], then: Callable[[Iterator[T]], Result], *, later: str = ""
    ) -> Result:
        """Like `fetch`, for a paged GET."""
        return self.perform([request], lambda _send: then(self.client.pages(request)), later=later)

    def write(self, request: Request[T], then: Callable[[T], Result], *, later: str = "") -> Result:
        """Sends a request that changes something, and returns the result of its response."""
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
        """The result of `run`, which gets what sends; or with --dry-run or --curl a preview.

        A preview displays `requests`, which must be all that `run` sends, in order. `later` says
        which further requests depend on the responses. `footer` and `error` are those of the
        preview's result.
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
        """Reads in it are a check that a preview can do without, where QStash is out of reach."""
        try:
            yield
        except (BadCredentials, Unreachable) as error:
            if self.options.connection.preview is None:
                raise
            self.warn(f"{error.message}; it is not known {what}")

    @contextmanager
    def _reading(self, request: Request[Any]) -> Iterator[None]:
        if request.method not in {"GET", "HEAD"}:
            raise AssertionError(f"not a read: {request.method} {request.path}")
        try:
            yield
        except (BadCredentials, Unreachable) as error:
            if self.options.connection.preview is not None:
                error.message = f"cannot read {request.path} for the preview: {error.message}"
            raise

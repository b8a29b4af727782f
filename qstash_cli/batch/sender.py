"""Sends chunks concurrently, each until its records are acknowledged or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from qstash_cli.batch.acknowledgements import Acknowledgements, acknowledgements
from qstash_cli.batch.chunks import Chunk
from qstash_cli.batch.items import Record
from qstash_cli.client.retry import TOO_MANY_REQUESTS, UNAVAILABLE, RetryPolicy
from qstash_cli.errors import QstashError

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

_ATTEMPTS = 9
# Each record has a deduplication id, so any error that is not about the records can be retried.
_RETRIED = UNAVAILABLE | {500, TOO_MANY_REQUESTS}
# QStash refuses a whole batch if one of its items is not valid.
_ONE_IS_WRONG = (400, 412, 413, 422)
_NONE = Acknowledgements([], are_all_new=True)


class ChunkResult(NamedTuple):
    """A chunk with the items of QStash's response to its valid records, in order."""

    chunk: Chunk
    acknowledgements: Acknowledgements


@dataclass(frozen=True, kw_only=True)
class BatchTransport:
    """How to send requests. `post` sends the JSON of a batch, and is called from several threads.

    No request is started once `stopped` returns true. `request_timeout_s` limits one attempt.
    """

    post: Callable[[bytes, RetryPolicy], Any]
    stopped: Callable[[], bool]
    max_concurrency: int
    request_timeout_s: float


def send(chunks: Iterable[Chunk | None], transport: BatchTransport) -> Iterator[ChunkResult]:
    """Yields the results of every chunk as they arrive.

    If `chunks` or a request fails, waits for all requests in flight, then raises the first error.
    At most `transport.max_concurrency` chunks are in flight.
    """
    from concurrent.futures import ThreadPoolExecutor

    sender = _Sender(transport)
    with ThreadPoolExecutor(transport.max_concurrency) as pool:
        requests = _Requests(pool, sender.result_of)
        source = iter(chunks)
        while requests.failure is None:
            try:
                chunk = next(source)
            except StopIteration:
                break
            except QstashError as error:
                requests.failure = error
                break
            if chunk is not None:
                requests.begin(chunk)
            yield from requests.responses(max_pending=transport.max_concurrency - 1)
        sender.may_be_patient = requests.failure is None
        yield from requests.responses(max_pending=0)
    if requests.failure is not None:
        raise requests.failure


class _Requests:
    """The requests in flight. `failure` is the first error."""

    def __init__(self, pool: Executor, result_of: Callable[[Chunk], ChunkResult]) -> None:
        self._pool = pool
        self._result_of = result_of
        self._pending: list[Future[ChunkResult]] = []
        self.failure: QstashError | None = None

    def begin(self, chunk: Chunk) -> None:
        """Sends a chunk in another thread."""
        self._pending.append(self._pool.submit(self._result_of, chunk))

    def responses(self, *, max_pending: int) -> Iterator[ChunkResult]:
        """Yields the responses that have arrived. Waits until at most `max_pending` are pending.

        Raises any error that is not a `QstashError`.
        """
        while self._pending:
            for future in self._arrived(must_wait=len(self._pending) > max_pending):
                self._pending.remove(future)
                error = future.exception()
                if error is None:
                    yield future.result()
                elif isinstance(error, QstashError):
                    self.failure = self.failure or error
                else:
                    raise error
            if len(self._pending) <= max_pending:
                return

    def _arrived(self, *, must_wait: bool) -> list[Future[ChunkResult]]:
        """Returns the finished requests, in the order in which they were started."""
        if must_wait:
            from concurrent.futures import FIRST_COMPLETED, wait

            wait(self._pending, return_when=FIRST_COMPLETED)
        return [future for future in self._pending if future.done()]


def body_of(records: Sequence[Record]) -> bytes:
    """Returns the body of a request: the items of the records in a JSON array."""
    import msgspec

    return msgspec.json.encode([msgspec.Raw(record.item) for record in records])


class _Sender:
    """Sends chunks, and waits longer for a server that has responded before."""

    def __init__(self, transport: BatchTransport) -> None:
        self._transport = transport
        self._has_responded = False
        self.may_be_patient = True

    def result_of(self, chunk: Chunk) -> ChunkResult:
        # Compute the digests in this thread, since hashing releases the interpreter lock.
        _ = chunk.ranges
        return ChunkResult(chunk, self._acknowledged(chunk.good) if chunk.good else _NONE)

    def _acknowledged(self, records: Sequence[Record]) -> Acknowledgements:
        try:
            return acknowledgements(self._posted(records), records)
        except QstashError as error:
            if error.status not in _ONE_IS_WRONG:
                raise
            if len(records) == 1:
                return Acknowledgements([{"error": error.message}], are_all_new=False)
            middle = len(records) // 2
            halves = (self._acknowledged(half) for half in (records[:middle], records[middle:]))
            return Acknowledgements(
                [item for half in halves for item in half.items], are_all_new=False
            )

    def _posted(self, records: Sequence[Record]) -> Any:
        body = body_of(records)
        response = self._transport.post(body, self._policy())
        self._has_responded = True
        return response

    def _policy(self) -> RetryPolicy:
        if not self._has_responded:
            return RetryPolicy(statuses=_RETRIED, is_cancelled=self._is_stopping)
        return RetryPolicy(
            max_attempts=_ATTEMPTS,
            statuses=_RETRIED,
            total_timeout_s=_ATTEMPTS * self._transport.request_timeout_s,
            is_cancelled=self._is_stopping,
        )

    def _is_stopping(self) -> bool:
        return self._transport.stopped() or not self.may_be_patient

"""Several requests in flight, each chunk sent until it is acknowledged or its records refused."""

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
# Each record has a deduplication id: any refusal that is not about the records may be retried.
_RETRIED = UNAVAILABLE | {500, TOO_MANY_REQUESTS}
# QStash refuses a whole batch if one of its items cannot be right.
_ONE_IS_WRONG = (400, 412, 413, 422)
_NONE = Acknowledgements([], are_all_new=True)


class Answered(NamedTuple):
    """A chunk and what QStash's response says of each of its good records, in order."""

    chunk: Chunk
    acknowledgements: Acknowledgements


@dataclass(frozen=True, kw_only=True)
class Wire:
    """How requests leave. `post` sends the JSON of a batch, from several threads at once.

    `stopped` says that nothing more is to be begun. `request_timeout_s` limits one attempt.
    """

    post: Callable[[bytes, RetryPolicy], Any]
    stopped: Callable[[], bool]
    in_flight: int
    request_timeout_s: float


def send(chunks: Iterable[Chunk | None], wire: Wire) -> Iterator[Answered]:
    """The responses to every chunk, as they come.

    What is in flight is awaited even when `chunks` or a request fail; then the first error is
    raised. At most `wire.in_flight` chunks are in flight.
    """
    from concurrent.futures import ThreadPoolExecutor

    sender = _Sender(wire)
    with ThreadPoolExecutor(wire.in_flight) as pool:
        requests = _Requests(pool, sender.answered)
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
            yield from requests.responses(max_pending=wire.in_flight - 1)
        sender.may_be_patient = requests.failure is None
        yield from requests.responses(max_pending=0)
    if requests.failure is not None:
        raise requests.failure


class _Requests:
    """The requests in flight. `failure` is the first error."""

    def __init__(self, pool: Executor, answered: Callable[[Chunk], Answered]) -> None:
        self._pool = pool
        self._answered = answered
        self._pending: list[Future[Answered]] = []
        self.failure: QstashError | None = None

    def begin(self, chunk: Chunk) -> None:
        """Sends a chunk in another thread."""
        self._pending.append(self._pool.submit(self._answered, chunk))

    def responses(self, *, max_pending: int) -> Iterator[Answered]:
        """The responses that have arrived. Waits until at most `max_pending` are outstanding.

        Raises an error that is not a `QstashError`.
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

    def _arrived(self, *, must_wait: bool) -> list[Future[Answered]]:
        """The requests that are done, in the order in which they began."""
        if must_wait:
            from concurrent.futures import FIRST_COMPLETED, wait

            wait(self._pending, return_when=FIRST_COMPLETED)
        return [future for future in self._pending if future.done()]


def body_of(records: Sequence[Record]) -> bytes:
    """The body of the request that sends these records: their items in a JSON array."""
    import msgspec

    return msgspec.json.encode([msgspec.Raw(record.item) for record in records])


class _Sender:
    """Sends chunks, patient with a server that was there before."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._has_answered = False
        self.may_be_patient = True

    def answered(self, chunk: Chunk) -> Answered:
        # Computed here, because other threads run while this one computes a digest.
        _ = chunk.ranges
        return Answered(chunk, self._acknowledged(chunk.good) if chunk.good else _NONE)

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
        answers = self._wire.post(body, self._policy())
        self._has_answered = True
        return answers

    def _policy(self) -> RetryPolicy:
        if not self._has_answered:
            return RetryPolicy(statuses=_RETRIED, is_cancelled=self._is_stopping)
        return RetryPolicy(
            max_attempts=_ATTEMPTS,
            statuses=_RETRIED,
            total_timeout_s=_ATTEMPTS * self._wire.request_timeout_s,
            is_cancelled=self._is_stopping,
        )

    def _is_stopping(self) -> bool:
        return self._wire.stopped() or not self.may_be_patient

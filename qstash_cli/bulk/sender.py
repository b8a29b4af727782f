"""Several requests in flight, each chunk sent until it is acknowledged or its records refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, Self

from qstash_cli.bulk.acknowledgements import Acknowledgements, acknowledgements
from qstash_cli.bulk.chunks import Chunk
from qstash_cli.bulk.items import Record
from qstash_cli.client.retry import TOO_MANY_REQUESTS, UNAVAILABLE, RetryPolicy
from qstash_cli.errors import QstashError

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
    """The answers to every chunk, as they come.

    What is in flight is awaited even when `chunks` or a request fail; then the first error is
    raised. At most `wire.in_flight` chunks are held.
    """
    sender = _Sender(wire)
    with _Crew(sender.answered) as crew:
        source = iter(chunks)
        while crew.failure is None:
            try:
                chunk = next(source)
            except StopIteration:
                break
            except QstashError as error:
                crew.failure = error
                break
            if chunk is not None:
                crew.put(chunk)
            yield from crew.answers(most_left=wire.in_flight - 1)
        sender.may_be_patient = crew.failure is None
        yield from crew.answers(most_left=0)
    if crew.failure is not None:
        raise crew.failure


class _Crew:
    """Threads that have chunks answered, as many as there were chunks at the same time.

    `failure` is the first that there was. A pool of `concurrent.futures` takes 5 ms to import, and
    three times as long for each chunk.
    """

    def __init__(self, answered: Callable[[Chunk], Answered]) -> None:
        self._answered = answered
        self._todo: SimpleQueue[Chunk | None] = SimpleQueue()
        self._done: SimpleQueue[Answered | BaseException] = SimpleQueue()
        self._threads: list[Thread] = []
        self._under_way = 0
        self.failure: QstashError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _thread in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join()

    def put(self, chunk: Chunk) -> None:
        if self._under_way == len(self._threads):
            thread = Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._under_way += 1
        self._todo.put(chunk)

    def answers(self, *, most_left: int) -> Iterator[Answered]:
        """Those that are there, and as many more that no more than `most_left` are under way."""
        while self._under_way > most_left or not self._done.empty():
            outcome = self._done.get()
            self._under_way -= 1
            if isinstance(outcome, Answered):
                yield outcome
            elif isinstance(outcome, QstashError):
                self.failure = self.failure or outcome
            else:
                raise outcome

    def _work(self) -> None:
        while (chunk := self._todo.get()) is not None:
            try:
                self._done.put(self._answered(chunk))
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                self._done.put(error)


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

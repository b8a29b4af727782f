"""Several requests in flight, each chunk sent until it is acknowledged or its records refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

from qstash_cli.bulk.chunks import Chunk
from qstash_cli.bulk.items import Record
from qstash_cli.errors import QstashError, RateLimited, Unreachable
from qstash_cli.frozen import dataclass

_ATTEMPTS = 9
_FIRST_PAUSE_S = 0.2
# QStash refuses a whole batch if one of its items cannot be right.
_ONE_IS_WRONG = (400, 412, 413, 422)


class Answered(NamedTuple):
    """A chunk and QStash's answers to its good records, in order."""

    chunk: Chunk
    answers: list[Any]


@dataclass(frozen=True, kw_only=True)
class Wire:
    """How requests leave. `post` sends the JSON of a batch, any number of times at once.

    `sleep` takes seconds. `stopped` says that nothing more is to be begun.
    """

    post: Callable[[bytes], Any]
    sleep: Callable[[float], None]
    stopped: Callable[[], bool]
    in_flight: int


def send(chunks: Iterable[Chunk | None], wire: Wire) -> Iterator[Answered]:
    """The answers to every chunk, as they come.

    What is in flight is awaited even when `chunks` or a request fail; then the first error is
    raised. At most `wire.in_flight` chunks are held.
    """
    waiting: set[Future[Answered]] = set()
    failure: QstashError | None = None
    sender = _Sender(wire)
    with ThreadPoolExecutor(wire.in_flight) as pool:
        source = iter(chunks)
        while failure is None:
            try:
                chunk = next(source)
            except StopIteration:
                break
            except QstashError as error:
                failure = error
                break
            if chunk is not None:
                waiting.add(pool.submit(sender.answered, chunk))
            is_full = len(waiting) >= wire.in_flight
            done, waiting = wait(waiting, None if is_full else 0, FIRST_COMPLETED)
            for future in done:
                error_of_it = future.exception()
                if error_of_it is None:
                    yield future.result()
                else:
                    failure = failure or _ours(error_of_it)
        sender.may_be_patient = failure is None
        for future in waiting:
            error_of_it = future.exception()
            if error_of_it is None:
                yield future.result()
            else:
                failure = failure or _ours(error_of_it)
    if failure is not None:
        raise failure


def _ours(error: BaseException) -> QstashError:
    if isinstance(error, QstashError):
        return error
    raise error


class _Sender:
    """Sends chunks, patient with a server that was there before."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._has_answered = False
        self.may_be_patient = True

    def answered(self, chunk: Chunk) -> Answered:
        return Answered(chunk, self._answers(chunk.good) if chunk.good else [])

    def _answers(self, records: Sequence[Record]) -> list[Any]:
        try:
            answers = self._posted(records)
        except QstashError as error:
            if error.status not in _ONE_IS_WRONG:
                raise
            if len(records) == 1:
                return [{"error": error.message}]
            middle = len(records) // 2
            return self._answers(records[:middle]) + self._answers(records[middle:])
        if not isinstance(answers, list) or len(answers) != len(records):
            raise QstashError(
                f"QStash did not answer each of the {len(records)} records of a batch",
                hint="is the API's URL right? `qstash config show` tells",
            )
        return answers

    def _posted(self, records: Sequence[Record]) -> Any:
        body = b"[" + b",".join(record.item for record in records) + b"]"
        pause_s = _FIRST_PAUSE_S
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answers = self._wire.post(body)
            except QstashError as error:
                if attempt == _ATTEMPTS or not self._is_worth_another(error):
                    raise
                self._wire.sleep(pause_s)
                pause_s *= 2
            else:
                self._has_answered = True
                return answers
        raise AssertionError("the last attempt returns or raises")

    def _is_worth_another(self, error: QstashError) -> bool:
        if self._wire.stopped() or not self.may_be_patient:
            return False
        if error.status is None:
            return isinstance(error, Unreachable) and self._has_answered
        return error.status >= 500 or (isinstance(error, RateLimited) and error.status == 429)

"""Bulk operations on the DLQ that return records, such as the messages that retries create."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast

from qstash_cli.cli.context import Context
from qstash_cli.errors import PartlyDone, QstashError
from qstash_cli.output.meter import Measured
from qstash_cli.output.result import Result
from qstash_cli.protocol.numbers import amount

Response = Mapping[str, object]


class AsResult(Protocol):
    """Creates the result of a bulk operation from its records.

    `incomplete` is called after the last record; it returns the error for the entries that were
    not processed.
    """

    def __call__(
        self, records: Iterable[Any], /, *, incomplete: Callable[[], QstashError | None] = ...
    ) -> Result: ...


class BulkAction(NamedTuple):
    """The field of a response that has the records, and the words for messages.

    `done` is what happens to an entry, such as "retried", and `listing` the command that lists the
    other entries.
    """

    field: str
    done: str
    listing: str


class BulkRecords:
    """Counts the processed entries, of `total` ids or, if None, of all matches of a filter."""

    def __init__(
        self, ctx: Context, action: BulkAction, as_result: AsResult, *, total: int | None
    ) -> None:
        self._ctx = ctx
        self._action = action
        self._as_result = as_result
        self._total = total
        self._done = 0
        self._meter = ctx.meter(f"entries {action.done}")
        self._failure: QstashError | None = None

    def result(self, responses: Iterable[Response]) -> Result:
        """Returns the result with the records, even if some entries were not processed."""
        return self._as_result(self._records(iter(responses)), incomplete=self._incomplete)

    def size(self, response: Response) -> int:
        """Returns the number of records in a response."""
        return len(self._records_of(response))

    def _records_of(self, response: Response) -> Sequence[Any]:
        return cast("Sequence[Any]", response[self._action.field])

    def _records(self, responses: Iterator[Response]) -> Iterator[Any]:
        while True:
            try:
                response = self._next(responses)
            except QstashError as error:
                if not self._done:
                    raise
                self._failure = PartlyDone(
                    f"{self._count()}, then: {error.message}", hint=error.hint, status=error.status
                )
                return
            if response is None:
                return
            self._done += self.size(response)
            yield from self._records_of(response)

    def _next(self, responses: Iterator[Response]) -> Response | None:
        if not self._done:
            return next(responses, None)
        self._meter.update(Measured(done=self._done, total=self._total))
        # The meter must be gone before rows are written.
        with self._ctx.measuring(self._meter):
            return next(responses, None)

    def _incomplete(self) -> QstashError | None:
        if self._failure is not None or self._total is None or self._done >= self._total:
            return self._failure
        return PartlyDone(
            self._count(),
            hint=f"QStash does not report which; `{self._action.listing}` shows the rest",
        )

    def _count(self) -> str:
        entries = amount(self._done, "entry")
        if self._total is not None:
            entries = f"{self._done:,} of {self._total:,} entries"
        return f"{entries} {'was' if self._done == 1 else 'were'} {self._action.done}"

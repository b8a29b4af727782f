"""Retries or deletes the entries of a group: in chunks, at a pace, and with a journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any, Literal

from qstash_cli.batch.chunks import Chunk, chunks_of
from qstash_cli.batch.id_list import (
    Apply,
    IdOutcome,
    blocks_of_ids,
    id_list_of,
    id_records,
    ids_of,
    outcomes_of_ids,
    post_ids,
    remove_journal,
    write_ids,
)
from qstash_cli.batch.journal import Journal, NoJournal, Run, opened_journal, resumable
from qstash_cli.batch.journal_state import JournalState
from qstash_cli.batch.pace import paced
from qstash_cli.batch.resume import Resumption
from qstash_cli.batch.rows import pieces_of
from qstash_cli.batch.sender import BatchTransport
from qstash_cli.cli.context import Context
from qstash_cli.cli.signals import stopping
from qstash_cli.client.api.filters import IDS_PER_REQUEST
from qstash_cli.client.request import Request
from qstash_cli.errors import Interrupted, PartlyDone, QstashError
from qstash_cli.output.meter import Measured

_MAX_CHUNK_BYTES = 1_048_576
_PAST = {"retry": "retried", "delete": "deleted"}
_LISTED = 5
Action = Literal["retry", "delete"]


@dataclass(kw_only=True)
class GroupJob:
    """A run for a group. `path` is that of the journal, None without one.

    `pace` is in entries per second. `removes_journal` removes the journal of a complete run.
    `request` returns the request for ids, and `apply` sends it.
    """

    ctx: Context
    action: Action
    pace: float | None
    resumes: bool
    ids: Sequence[str]
    path: Path | None
    removes_journal: bool
    request: Callable[[Sequence[str]], Request[Any]]
    apply: Apply
    state: JournalState | None = None
    done: int = 0
    unknown: int = 0
    refused: list[str] = field(default_factory=list)
    failure: QstashError | None = None

    def planned(self) -> Iterator[Request[Any]]:
        """Yields the requests of a run. Raises like `opened_journal`."""
        if self.path is not None:
            self.state = resumable(self.path, self.run())
        for chunk in self._chunks():
            if chunk is not None and chunk.good:
                yield self.request(ids_of(chunk))

    def outcomes(self) -> Iterator[IdOutcome]:
        """Yields the outcome of each request.

        An error that occurs after the first one is kept as `failure`.
        """
        try:
            with ExitStack() as stack:
                journal = self._opened(stack)
                stopped = stack.enter_context(stopping())
                chunks = self._paced(stopped)
                yield from self._measured(
                    outcomes_of_ids(chunks, self._transport(stopped), journal)
                )
                journal.finish(self.ctx.system.now())
        except QstashError as error:
            self.failure = self._with_hint(error)
            if not (self.done or self.unknown):
                raise self.failure from None
            return
        if self.path is not None and self.removes_journal and not self.refused:
            remove_journal(self.path)

    def error(self) -> QstashError | None:
        """Returns the error of the run, None if every entry was processed. Call it at the end."""
        count = f"{self.done:,} of {self._total:,} entries {_were(self.done)} {_PAST[self.action]}"
        if self.failure is not None:
            return self.failure
        if self.refused:
            return PartlyDone(
                f"{count}; {len(self.refused):,} {_were(len(self.refused))} refused",
                lines=self.refused[:_LISTED],
                hint="the refused entries stay in the dead letter queue",
            )
        if self.unknown:
            return PartlyDone(count, hint="the others are no longer in the dead letter queue")
        return None

    @property
    def _total(self) -> int:
        """The number of entries that this run has to process."""
        return len(self.ids) - (self.state.sent if self.state else 0)

    def run(self) -> Run:
        """Returns the run that the journal must belong to."""
        path = self.path
        return Run(
            api_url=self.ctx.config.settings.api_url,
            source=None if path is None else id_list_of(path),
            has_header=False,
            resumes=self.resumes,
            new_job=lambda: self.ctx.new_id("dlq"),
            started_at_s=self.ctx.system.started_at_s(),
            now=self.ctx.system.now,
            prepare=self._write_ids,
        )

    def _write_ids(self) -> None:
        if self.path is not None:
            write_ids(id_list_of(self.path), self.ids)

    def _opened(self, stack: ExitStack) -> Journal:
        if self.path is None:
            return NoJournal()
        journal, self.state = stack.enter_context(opened_journal(self.path, self.run()))
        return journal

    def _chunks(self) -> Iterator[Chunk | None]:
        pieces = pieces_of("lines", blocks_of_ids(self.ids))
        if self.state is not None:
            pieces = Resumption(self.state, str(self.path)).remaining(pieces)
        return chunks_of(
            id_records(pieces),
            max_records=min(IDS_PER_REQUEST, ceil(self.pace)) if self.pace else IDS_PER_REQUEST,
            max_bytes=_MAX_CHUNK_BYTES,
            now=self.ctx.system.now,
        )

    def _paced(self, stopped: Callable[[], bool]) -> Iterator[Chunk | None]:
        system = self.ctx.system
        for chunk in paced(
            self._chunks(), self.pace, now=system.now, sleep=system.sleep, stopped=stopped
        ):
            if stopped():
                raise Interrupted("interrupted")
            yield chunk

    def _transport(self, stopped: Callable[[], bool]) -> BatchTransport:
        return BatchTransport(
            post=post_ids(self.apply),
            stopped=stopped,
            max_concurrency=1,
            request_timeout_s=self.ctx.options.connection.request_timeout,
        )

    def _measured(self, outcomes: Iterator[IdOutcome]) -> Iterator[IdOutcome]:
        meter = self.ctx.meter(f"entries {_PAST[self.action]}", has_lines=True)
        while True:
            # The meter must be gone before rows are written.
            with self.ctx.measuring(meter):
                outcome = next(outcomes, None)
            if outcome is None:
                return
            self.done += len(outcome.messages)
            self.unknown += outcome.unknown
            self.refused += outcome.refused
            meter.update(Measured(done=self.done, total=self._total, refused=len(self.refused)))
            yield outcome

    def _with_hint(self, error: QstashError) -> QstashError:
        count = f"{self.done:,} {'entry' if self.done == 1 else 'entries'} "
        count += f"{_were(self.done)} {_PAST[self.action]}"
        if isinstance(error, Interrupted):
            error = Interrupted(f"interrupted; {count}", hint=error.hint)
        elif self.done or self.unknown:
            error = PartlyDone(
                f"{count}, then: {error.message}", hint=error.hint, status=error.status
            )
        if self.path is not None and (self.done or self.unknown):
            hint = "the same command with --resume continues"
            error.hint = f"{error.hint}; {hint}" if error.hint else hint
        return error


def _were(count: int) -> str:
    return "was" if count == 1 else "were"

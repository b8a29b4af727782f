"""One run of `batch`: the input, the journal and the outcomes of the records."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path

from qstash_cli.batch.acknowledgements import OutcomeUnknown
from qstash_cli.batch.chunks import Chunk, chunks_of
from qstash_cli.batch.items import records_of
from qstash_cli.batch.journal import (
    Journal,
    NoJournal,
    Run,
    opened_journal,
    resumable,
)
from qstash_cli.batch.journal_state import JournalState
from qstash_cli.batch.outcomes import (
    Tally,
    failure_of,
    outcomes,
    refuse_none,
)
from qstash_cli.batch.pace import paced
from qstash_cli.batch.posting import post_items
from qstash_cli.batch.recipe import Recipe
from qstash_cli.batch.rejects import opened_rejects
from qstash_cli.batch.resume import InputChanged, Resumption
from qstash_cli.batch.rows import FileFormat, pieces_of
from qstash_cli.batch.sender import BatchTransport, send
from qstash_cli.batch.source import Stream, blocks_of
from qstash_cli.cli.context import Context
from qstash_cli.cli.signals import stopping
from qstash_cli.commands.batch.options import RecordOptions, SendingOptions
from qstash_cli.errors import BadInput, Interrupted, PartlyDone, QstashError
from qstash_cli.files import unreadable
from qstash_cli.output.meter import Measured

# A small request limits the amount of data in flight.
_MAX_CHUNK_BYTES = 1_048_576
_BLOCK_BYTES = 65_536


@dataclass(kw_only=True)
class Job:
    """A run of `batch`. `path` is None for standard input.

    `make_recipe` takes the format of the input and the id of the job.
    """

    ctx: Context
    path: Path | None
    records: RecordOptions
    sending: SendingOptions
    make_recipe: Callable[[FileFormat, str], Recipe]
    tally: Tally = field(default_factory=Tally)
    state: JournalState | None = None
    resumption: Resumption | None = None

    @property
    def file(self) -> Path | None:
        """The input, if it can be read twice: not standard input or a named pipe."""
        return None if self.path is None or is_stream(self.path) else self.path

    @property
    def _file_format(self) -> FileFormat:
        if self.records.lines:
            return "lines"
        if self.records.format is not None:
            return "csv" if self.records.format == "csv" else "jsonl"
        return "csv" if self.path is not None and self.path.suffix.lower() == ".csv" else "jsonl"

    def summary(self) -> dict[str, object]:
        """Returns the number of records by outcome."""
        summary: dict[str, object] = {"sent": self.tally.sent, "refused": self.tally.refused}
        if self.state and self.state.sent:
            summary["sentBefore"] = self.state.sent
        if self.refused_before:
            summary["refusedBefore"] = len(self.refused_before)
        if self.tally.deduplicated:
            summary["deduplicated"] = self.tally.deduplicated
        return summary

    @property
    def refused_before(self) -> Sequence[int]:
        """The lines of records that earlier runs refused, and that have not changed."""
        return self.resumption.refused_before if self.resumption else ()

    def outcomes(self, *, has_bar: bool, are_displayed: bool = True) -> Iterator[dict[str, object]]:
        """Yields a line for each record as it is sent or refused.

        Yields nothing unless `are_displayed`. Raises `PartlyDone` at the end if records were
        refused. Raises any error that stopped the run, with a hint on how to continue.
        """
        with ExitStack() as stack:
            stream, total_bytes = self.opened(stack)
            yield from self._sent(
                stack, stream, total_bytes, has_bar=has_bar, are_displayed=are_displayed
            )
        failure = self.failure()
        if failure is not None:
            raise failure

    def failure(self) -> QstashError | None:
        """Returns the error for the refused records, or None."""
        return failure_of(self.tally, self.refused_before, rejects=str(self.records.rejects or ""))

    def _sent(
        self,
        stack: ExitStack,
        stream: Stream,
        total_bytes: int | None,
        *,
        has_bar: bool,
        are_displayed: bool,
    ) -> Iterator[dict[str, object]]:
        journal, job = self._begun(stack)
        still_refused = self._verified()
        rejects = stack.enter_context(opened_rejects(self.records.rejects, still_refused))
        stopped = stack.enter_context(stopping())
        chunks = self.chunks(stream, job, stopped)
        meter = self.ctx.meter("records", has_bar=has_bar, has_lines=True)
        stack.enter_context(self.ctx.measuring(meter))

        def report() -> None:
            skipped_bytes = self.resumption.skipped_bytes if self.resumption else 0
            meter.update(
                Measured(
                    done=self.tally.sent + self.tally.refused,
                    parts=self.tally.done_bytes + skipped_bytes,
                    total_parts=total_bytes,
                    parts_before=skipped_bytes,
                    refused=self.tally.refused,
                )
            )

        try:
            yield from outcomes(
                send(self._paced(chunks, stopped), self._transport(stopped)),
                self.tally,
                journal=journal,
                rejects=rejects,
                report=report,
                strict=self.records.strict,
                are_displayed=are_displayed,
            )
        except InputChanged:
            raise
        except QstashError as error:
            raise self._with_hint(error) from error
        journal.finish(self.ctx.system.now())

    def _run(self, api_url: str) -> Run:
        return Run(
            api_url=api_url,
            source=self.file,
            has_header=self._file_format == "csv",
            resumes=self.sending.resume,
            new_job=lambda: self.ctx.new_id("batch"),
            started_at_s=self.ctx.system.started_at_s(),
            now=self.ctx.system.now,
        )

    def _begun(self, stack: ExitStack) -> tuple[Journal, str]:
        """Returns the journal and the id of the job. Raises like `opened_journal`."""
        run = self._run(self.ctx.config.settings.api_url)
        path = journal_path(self.path, self.sending)
        if path is None:
            return NoJournal(), run.new_job()
        journal, self.state = stack.enter_context(opened_journal(path, run))
        return journal, self.state.head.job

    def foreseen(self) -> str:
        """Returns the id of the job that a run would use now, considering earlier runs.

        Only reads the journal. Raises like `opened_journal`.
        """
        run = self._run(self.ctx.config.api_url)
        path = journal_path(self.path, self.sending)
        self.state = None if path is None else resumable(path, run)
        self._verified()
        return self.state.head.job if self.state else run.new_job()

    def _verified(self) -> Container[int]:
        """Verifies that the input matches the journal, and returns the lines still refused.

        Raises `BadInput` if sent lines have changed. A stream can be read only once, so it is
        verified while it is sent.
        """
        if self.state is None or self.state.is_empty:
            return ()
        name = str(self.path or "standard input")
        self.resumption = Resumption(self.state, name)
        if self.file is None:
            return {one.first for one in self.state.refused}
        check = Resumption(self.state, name)
        with self.file.open("rb", buffering=0) as file:
            blocks = iter(partial(file.read, _BLOCK_BYTES), b"")
            for _ in check.remaining(pieces_of(self._file_format, blocks)):
                if check.is_complete:
                    break
        return set(check.refused_before)

    def opened(self, stack: ExitStack) -> tuple[Stream, int | None]:
        """Opens the input, and returns it with its size in bytes, or None for a stream.

        Raises `BadInput`.
        """
        if self.path is None:
            return self.ctx.streams.stdin, None
        try:
            stream = stack.enter_context(self.path.open("rb", buffering=0))
        except OSError as fault:
            raise unreadable(str(self.path), fault) from None
        return stream, None if self.file is None else self.file.stat().st_size

    def chunks(
        self, stream: Stream, job: str, stopped: Callable[[], bool]
    ) -> Iterator[Chunk | None]:
        """Yields the records of the input in chunks, and None if the input pauses."""
        recipe = self.make_recipe(self._file_format, job)
        pieces = pieces_of(recipe.file_format, blocks_of(stream, stopped))
        remaining = self.resumption.remaining(pieces) if self.resumption else pieces
        records = records_of(remaining, recipe)
        if self.records.strict:
            records = refuse_none(records)
        per_s = self.sending.pace
        limit = self.sending.chunk_size
        return chunks_of(
            records,
            max_records=min(limit, ceil(per_s)) if per_s else limit,
            max_bytes=_MAX_CHUNK_BYTES,
            now=self.ctx.system.now,
        )

    def _paced(
        self, chunks: Iterator[Chunk | None], stopped: Callable[[], bool]
    ) -> Iterator[Chunk | None]:
        return paced(
            chunks,
            self.sending.pace,
            now=self.ctx.system.now,
            sleep=self.ctx.system.sleep,
            stopped=stopped,
        )

    def _transport(self, stopped: Callable[[], bool]) -> BatchTransport:
        return BatchTransport(
            post=partial(post_items, self.ctx.client),
            stopped=stopped,
            max_concurrency=self.sending.in_flight,
            request_timeout_s=self.ctx.options.connection.request_timeout,
        )

    def _with_hint(self, error: QstashError) -> QstashError:
        """Adds a hint on how to continue to the error."""
        sent = self.tally.sent + (self.state.sent if self.state else 0)
        in_doubt = isinstance(error, OutcomeUnknown)
        has_journal = journal_path(self.path, self.sending) is not None
        if isinstance(error, Interrupted):
            error.message = f"interrupted after {sent:,} records"
        elif isinstance(error, BadInput) and self.tally.sent:
            error = PartlyDone(error.message, hint=error.hint)
        elif not (sent or in_doubt):
            return error
        if in_doubt and not has_journal:
            hint = "there is no journal, so that another run sends them under new ids"
        elif not has_journal:
            hint = (
                f"{sent:,} records were sent; there is no journal, so that another run repeats them"
            )
        elif in_doubt:
            hint = "the same command with --resume sends them again under the same ids"
        else:
            hint = "the same command with --resume continues"
        error.hint = f"{error.hint}; {hint}" if error.hint else hint
        return error


def journal_path(path: Path | None, sending: SendingOptions) -> Path | None:
    """Returns the path of an input's journal, or None."""
    if sending.no_journal:
        return None
    if sending.journal is not None or path is None or is_stream(path):
        return sending.journal
    return path.with_name(f"{path.name}.journal")


def is_stream(path: Path) -> bool:
    """Whether data can be read only once: from a pipe or a device."""
    return path.exists() and not path.is_file()

"""One run of `batch`: the input, the journal, and what becomes of the records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any

from qstash_cli.bulk.acknowledgements import InDoubt
from qstash_cli.bulk.chunks import Chunk, chunks_of
from qstash_cli.bulk.filling import records_of
from qstash_cli.bulk.items import Recipe
from qstash_cli.bulk.journal import FileJournal, NoJournal, Past, undone
from qstash_cli.bulk.pace import paced
from qstash_cli.bulk.rows import FileFormat, pieces_of
from qstash_cli.bulk.sender import Wire, send
from qstash_cli.bulk.source import Digested, Stream, blocks_of
from qstash_cli.client import messages
from qstash_cli.commands import _sending
from qstash_cli.commands._batch_options import RecordOptions, SendingOptions
from qstash_cli.commands._batch_outcomes import (
    Rejects,
    Tally,
    checked,
    failure_of,
    outcomes,
    refuse_none,
)
from qstash_cli.commands._interrupts import stopping
from qstash_cli.errors import BadInput, Interrupted, PartlyDone, QstashError
from qstash_cli.files import open_private
from qstash_cli.invocation import Invocation
from qstash_cli.output.meter import meter
from qstash_cli.protocol.contradictions import refuse_contradictions
from qstash_cli.protocol.destination import check_destination
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.limits import check_limits
from qstash_cli.protocol.options import MessageOptions, decode, encode

# A request is kept this small, so that what is in flight stays small too.
_MOST_CHUNK_BYTES = 1_048_576


@dataclass(kw_only=True)
class Job:
    """A run of `batch`. `path` is None for standard input."""

    inv: Invocation
    path: Path | None
    records: RecordOptions
    sending: SendingOptions
    options: MessageOptions
    tally: Tally = field(default_factory=Tally)
    past: Past = field(default_factory=Past)

    @property
    def journal_path(self) -> Path | None:
        """Where the journal is, if there is one."""
        if self.sending.no_journal:
            return None
        if self.sending.journal is not None or self.file is None:
            return self.sending.journal
        return self.file.with_name(f"{self.file.name}.journal")

    @property
    def file(self) -> Path | None:
        """The input, if it can be read twice: not standard input, nor a pipe that has a name."""
        return None if self.path is None or is_stream(self.path) else self.path

    def summary(self) -> dict[str, Any]:
        """What became of the records, by number."""
        done = "valid" if self.inv.connection.dry_run else "sent"
        summary: dict[str, Any] = {done: self.tally.sent, "refused": self.tally.refused}
        if self.past.sent:
            summary["sentBefore"] = self.past.sent
        if self.tally.deduplicated:
            summary["deduplicated"] = self.tally.deduplicated
        return summary

    def outcomes(self, *, has_bar: bool, are_shown: bool = True) -> Iterator[dict[str, Any]]:
        """A line for each record as it is sent or refused, none where they are not shown.

        Raises `PartlyDone` in the end if some were refused, and what stopped the run before its
        end, with the way to go on.
        """
        only_shows = self.inv.only_shows
        with ExitStack() as stack:
            stream, total_bytes = self._opened(stack)
            journal, job = (NoJournal(), "preview") if only_shows else self._begun()
            rejects = Rejects(self._opened_rejects(stack))
            stopped = stack.enter_context(stopping())
            chunks = self._chunks(stream, job, stopped)
            if self.inv.connection.curl:
                self._show_first(chunks)
            if only_shows:
                yield from checked(chunks, self.tally, rejects=rejects)
            else:
                shown = stack.enter_context(self._meter(total_bytes, has_bar=has_bar))
                try:
                    yield from outcomes(
                        send(self._paced(chunks, stopped), self._wire(stopped)),
                        self.tally,
                        journal=journal,
                        rejects=rejects,
                        meter=shown,
                        strict=self.records.strict,
                        are_shown=are_shown,
                    )
                except QstashError as error:
                    raise self._with_the_way_on(error) from error
                journal.finish(stream if isinstance(stream, Digested) else None)
        self._tell_refused()

    def _begun(self) -> tuple[FileJournal | NoJournal, str]:
        api_url = self.inv.settings.api_url
        job = self.inv.new_id("batch")
        if self.journal_path is None:
            return NoJournal(), job
        journal = FileJournal(self.journal_path)
        past = journal.past(api_url, self.file, resumes=self.sending.resume)
        if past is None or (past.is_finished and not self.sending.resume):
            journal.begin(job, api_url, self.file)
            return journal, job
        # What a run sent that was never acknowledged is sent again under the same ids.
        if past.done and not self.sending.resume:
            raise BadInput(
                f"a run before this one did not come to its end: {self.journal_path}",
                hint="--resume goes on with it; to send all of it anew, delete the journal",
            )
        journal.mend()
        self.past = past
        return journal, past.job

    def _opened(self, stack: ExitStack) -> tuple[Stream, int | None]:
        if self.path is None:
            return self.inv.stdin, None
        try:
            stream = stack.enter_context(self.path.open("rb", buffering=0))
        except OSError as fault:
            reason = (fault.strerror or type(fault).__name__).lower()
            raise BadInput(f"the file cannot be read: {self.path}", hint=reason) from None
        if self.file is None:
            return stream, None
        return Digested(stream), self.file.stat().st_size

    def _opened_rejects(self, stack: ExitStack) -> Any:
        path = self.records.rejects
        if path is None:
            return None
        try:
            file = stack.enter_context(open_private(path, "a+b"))
            # What was refused after the journal's last line will be refused again.
            file.truncate(min(self.past.rejects_bytes, path.stat().st_size))
        except OSError as fault:
            reason = (fault.strerror or type(fault).__name__).lower()
            raise BadInput(f"the rejects cannot be written: {path}", hint=reason) from None
        return file

    def _chunks(
        self, stream: Stream, job: str, stopped: Callable[[], bool]
    ) -> Iterator[Chunk | None]:
        recipe = self._recipe(job)
        pieces = pieces_of(recipe.file_format, blocks_of(stream, stopped))
        records = records_of(undone(pieces, self.past), recipe)
        if self.records.strict:
            records = refuse_none(records)
        per_s = self.sending.rate.per_s if self.sending.rate else None
        most = self.sending.chunk_size
        return chunks_of(
            records,
            most_records=min(most, ceil(per_s)) if per_s else most,
            most_bytes=_MOST_CHUNK_BYTES,
            now=self.inv.now,
        )

    def _paced(
        self, chunks: Iterator[Chunk | None], stopped: Callable[[], bool]
    ) -> Iterator[Chunk | None]:
        per_s = self.sending.rate.per_s if self.sending.rate else None
        return paced(chunks, per_s, now=self.inv.now, sleep=self.inv.sleep, stopped=stopped)

    def _wire(self, stopped: Callable[[], bool]) -> Wire:
        client = self.inv.client
        return Wire(
            post=lambda items, retry: client.send(messages.batch(items), retry),
            stopped=stopped,
            in_flight=self.sending.in_flight,
            request_timeout_s=self.inv.connection.request_timeout,
        )

    def _show_first(self, chunks: Iterator[Chunk | None]) -> None:
        for chunk in chunks:
            if chunk is not None and chunk.good:
                items = b",".join(record.item for record in chunk.good)
                self.inv.send(messages.batch(b"[" + items + b"]"))
        raise BadInput("there is no record to show")

    def _meter(self, total_bytes: int | None, *, has_bar: bool) -> Any:
        look = self.inv.look_of_stderr()
        return meter(
            self.inv.err,
            total_bytes=total_bytes,
            width=look.width,
            # A bar is drawn by moving the cursor, which a plain terminal does not know.
            has_bar=has_bar and look.colour,
            now=self.inv.now,
        )

    def _tell_refused(self) -> None:
        failure = failure_of(self.tally, rejects=str(self.records.rejects or ""))
        if failure is not None:
            raise failure

    def _with_the_way_on(self, error: QstashError) -> QstashError:
        sent = self.tally.sent + self.past.sent
        if isinstance(error, Interrupted):
            error.message = f"interrupted after {sent:,} records"
        elif isinstance(error, BadInput) and self.tally.sent:
            error = PartlyDone(error.message, hint=error.hint)
        elif not sent and not isinstance(error, InDoubt):
            return error
        way_on = "the same command with --resume goes on from there"
        if isinstance(error, InDoubt):
            way_on = "the same command with --resume sends them again under the same ids"
        if self.journal_path is None:
            way_on = f"{sent:,} records were sent, and there is no journal to go on from"
        error.hint = f"{error.hint}; {way_on}" if error.hint else way_on
        return error

    def _recipe(self, job: str) -> Recipe:
        records = self.records
        return Recipe(
            file_format=_file_format(self.path, records),
            job=job,
            check=self._check(),
            check_body=self._check_body(),
            to=records.to,
            destination_field=records.destination_field,
            dedup_field=records.dedup_field,
            delay_field=records.delay_field,
            headers=encode(replace(self.options, queue=None)),
            queue=self.options.queue,
        )

    def _check(self) -> Callable[[str, Headers, str | None], str]:
        # Most records of a file differ in their bodies alone.
        @lru_cache(maxsize=4096)
        def check(destination: str, headers: Headers, queue: str | None) -> str:
            if self.sending.no_check:
                return destination
            destination = check_destination(destination)
            options = decode(headers)
            refuse_contradictions(options, "enqueue" if queue or options.queue else "publish")
            _sending.check(self.inv, destination, options, 0)
            return destination

        return check

    def _check_body(self) -> Callable[[int], None]:
        settings = self.inv.settings_if_any
        plan = settings.plan if settings else None

        # Bodies of a file are often as long as each other.
        @lru_cache(maxsize=4096)
        def check_body(body_bytes: int) -> None:
            if not self.sending.no_check:
                check_limits(plan, body_bytes=body_bytes, delay_s=None, timeout_s=None)

        return check_body


def is_stream(path: Path) -> bool:
    """Whether what is read of it is gone: a pipe or a device."""
    return path.exists() and not path.is_file()


def _file_format(path: Path | None, records: RecordOptions) -> FileFormat:
    if records.lines:
        return "lines"
    if records.format is not None:
        return "csv" if records.format == "csv" else "jsonl"
    return "csv" if path is not None and path.suffix.lower() == ".csv" else "jsonl"

"""`qstash batch`: publish the records of a file or a stream, many per request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument
from qstash_cli.cli.preview import Planned, Remark
from qstash_cli.cli.registry import command, group
from qstash_cli.cli.signals import stopping
from qstash_cli.client.api import messages
from qstash_cli.commands.batch.options import RecordOptions, SendingOptions
from qstash_cli.commands.common import message_validation
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.conflicts import raise_if_conflicting
from qstash_cli.protocol.destination import validate_destination
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.options import MessageOptions

if TYPE_CHECKING:
    from qstash_cli.commands.batch.job import Job

app = group()

_STREAMED = ("jsonl", "tsv", "csv", "ids")
_OUTCOMES = View(
    columns=(
        Column(name="line", of="line"),
        Column(name="messageId", of="messageId"),
        Column(name="error", of="error"),
    ),
    id="messageId",
)
_SUMMARY = View(
    columns=(
        Column(name="sent", of="sent"),
        Column(name="refused", of="refused"),
        Column(name="sentBefore", of="sentBefore"),
        Column(name="refusedBefore", of="refusedBefore"),
        Column(name="deduplicated", of="deduplicated"),
    ),
    id="sent",
)


@command(app, view=_OUTCOMES)
def batch(
    ctx: Context,
    file: Annotated[
        str,
        Argument("JSONL or CSV, - for standard input", "FILE"),
    ],
    *,
    records: RecordOptions,
    sending: SendingOptions,
    options: Annotated[MessageOptions, "batch"],
) -> Result:
    """Publish the records of a file or a stream, many per request.

    A record is {"destination": ..., "headers": ..., "body": ..., "queue": ...}, or with --to only
    the body. Message options apply to every record that does not set them itself. A journal next to
    FILE records what was sent: --resume continues after any interruption and sends nothing twice.

    \b
    qstash batch messages.jsonl --retries 5
    qstash batch orders.csv --to https://example.com/hook --dedup-field id
    jq -c '.[]' orders.json | qstash batch - --to https://example.com/hook
    """
    # The engine imports msgspec, which help, completion and the man page do not need.
    from qstash_cli.commands.batch.job import Job
    from qstash_cli.commands.batch.recipe import recipe_of

    if not file:
        raise BadInput("the name of the file is empty", hint="use - for standard input")
    path = None if file == "-" else Path(file).expanduser()
    _refuse_what_does_not_fit(path, records, sending)
    raise_if_conflicting(options, "enqueue" if options.queue else "publish")
    message_validation.warn_if_past(ctx, options)
    new_span = None
    if sending.trace:
        from qstash_cli.commands.common import tracing

        new_span = tracing.new_spans(ctx, options)
    job = Job(
        ctx=ctx,
        path=path,
        records=records,
        sending=sending,
        make_recipe=lambda file_format, job_id: recipe_of(
            ctx, file_format, records, options, new_span, job=job_id, validates=not sending.no_check
        ),
    )
    return ctx.perform(
        _planned(job),
        lambda _send: _sent(ctx, job),
        footer=lambda: _preview_summary(ctx, job),
        error=job.failure,
    )


def _sent(ctx: Context, job: Job) -> Result:
    if ctx.options.output.format in _STREAMED or ctx.options.output.columns is not None:
        outcomes = job.outcomes(has_bar=not ctx.streams.out_is_terminal)
        return Result(
            data=outcomes, view=_OUTCOMES, piped="tsv", live=True, done=lambda: _done(job)
        )
    failure = None
    try:
        for _ in job.outcomes(has_bar=True, are_displayed=False):
            pass
    except QstashError as error:
        if not (job.tally.sent or job.tally.refused or job.refused_before):
            raise
        failure = error
    if job.records.rejects is None:
        for warning in job.tally.warnings:
            ctx.warn(warning)
    return Result(
        data=job.summary(), view=_SUMMARY, piped="json", done=lambda: _done(job), error=failure
    )


def _done(job: Job) -> str:
    return f"Published {amount(job.tally.sent, 'message')}"


def _refuse_what_does_not_fit(
    path: Path | None, records: RecordOptions, sending: SendingOptions
) -> None:
    from qstash_cli.commands.batch.job import is_stream

    row_is_body = records.to is not None or records.destination_field is not None
    picks = records.dedup_field is not None or records.delay_field is not None
    if (picks or records.lines) and not row_is_body:
        raise BadInput(
            "--dedup-field, --delay-field and --lines are for records that are bodies",
            hint="add --to DEST or --destination-field FIELD",
        )
    if records.lines and (picks or records.destination_field is not None):
        raise BadInput("a line of plain text has no fields", hint="leave out --lines")
    for one, other, both in (
        ("--to", "--destination-field", records.to and records.destination_field),
        ("--lines", "--format", records.lines and records.format),
        ("--journal", "--no-journal", sending.journal and sending.no_journal),
        ("--resume", "--no-journal", sending.resume and sending.no_journal),
    ):
        if both:
            raise BadInput(f"{one} and {other} cannot be combined", hint="nothing was sent")
    _refuse_one_file_for_two(path, records, sending)
    if sending.resume and (path is None or is_stream(path)) and sending.journal is None:
        raise BadInput(
            "--resume needs the journal of the first run",
            hint="name it with --journal FILE, and feed the same input again",
        )
    if records.to is not None and not sending.no_check:
        validate_destination(records.to)


def _refuse_one_file_for_two(
    path: Path | None, records: RecordOptions, sending: SendingOptions
) -> None:
    """Raises `BadInput` if a file would overwrite another file of the run."""
    from qstash_cli.commands.batch.job import journal_path

    journal = journal_path(path, sending)
    for flag, file, other, what in (
        ("--rejects", records.rejects, path, "input"),
        ("--journal", journal, path, "input"),
        ("--rejects", records.rejects, journal, "journal"),
    ):
        if file is not None and other is not None and file.resolve() == other.resolve():
            raise BadInput(f"{flag} names the {what}: {file}", hint="name another file")


def _planned(job: Job) -> Iterator[Planned]:
    """Yields the requests that the job would send, with a remark for each refused record.

    Counts the records in the job's tally. Writes no files: neither journal nor rejects. Raises
    `BadInput` if the input cannot be read, or if its sent lines have changed.
    """
    from qstash_cli.batch.outcomes import count
    from qstash_cli.batch.sender import body_of

    with ExitStack() as stack:
        stream, _ = job.opened(stack)
        job_id = job.foreseen()
        stopped = stack.enter_context(stopping())
        for chunk in job.chunks(stream, job_id, stopped):
            if chunk is None:
                continue
            if chunk.good:
                yield from messages.batch_requests(body_of(chunk.good))
            refused = [(record, record.error) for record in chunk.bad]
            for record, error in refused:
                yield Remark(f"line {record.line}: {error}", {"line": record.line, "error": error})
            count(chunk, refused, job.tally)


def _preview_summary(ctx: Context, job: Job) -> str:
    """Returns the message after the requests. Warns about the first refusals."""
    if ctx.options.output.format != "jsonl":
        for warning in job.tally.warnings:
            ctx.warn(warning)
    if job.records.rejects is not None:
        ctx.note("a preview does not write the file of --rejects")
    valid = job.tally.sent
    sentence = f"{valid:,} {'record is' if valid == 1 else 'records are'} valid"
    return f"{sentence}; {job.state.sent:,} were sent before" if job.state else sentence

"""What a run of `batch` would send, and which records it would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from qstash_cli.batch.sender import body_of
from qstash_cli.cli.context import Context
from qstash_cli.cli.preview import Planned, Remark
from qstash_cli.cli.signals import stopping
from qstash_cli.client.api import messages
from qstash_cli.commands.batch.job import Job
from qstash_cli.commands.batch.outcomes import count


def planned(job: Job) -> Iterator[Planned]:
    """The requests that the job would send, with a remark for each record that it would refuse.

    Counts the records in the job's tally. Writes no file: neither journal nor rejects.
    Raises `BadInput` for an input that cannot be read or has changed since it was sent in part.
    """
    with ExitStack() as stack:
        stream, _ = job.opened(stack)
        job_id = job.foreseen()
        stopped = stack.enter_context(stopping())
        for chunk in job.chunks(stream, job_id, stopped):
            if chunk is None:
                continue
            if chunk.good:
                yield messages.batch(body_of(chunk.good))
            refused = [(record, record.error) for record in chunk.bad]
            for record, error in refused:
                yield Remark(f"line {record.line}: {error}", {"line": record.line, "error": error})
            count(chunk, refused, job.tally)


def summary(ctx: Context, job: Job) -> str:
    """What to say after the requests; the first refusals are warnings."""
    if ctx.options.output.format != "jsonl":
        for warning in job.tally.warnings:
            ctx.warn(warning)
    if job.records.rejects is not None:
        ctx.note("a preview does not write the file of --rejects")
    valid = job.tally.sent
    sentence = f"{valid:,} {'record is' if valid == 1 else 'records are'} valid"
    return f"{sentence}; {job.state.sent:,} were sent before" if job.state else sentence

"""Resumes and restarts failed runs, and yields their new runs one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.client.api import workflow_dlq
from qstash_cli.client.api.filters import id_chunks
from qstash_cli.client.api.workflow_dlq import STARTED_AT_ONCE, Start
from qstash_cli.client.api.workflows import RunFilter
from qstash_cli.commands.common.bulk_records import BulkAction, BulkRecords
from qstash_cli.commands.common.cursor_pages import REPEATED, pages
from qstash_cli.commands.workflow.views import STARTED_RUNS
from qstash_cli.errors import QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.options import MessageOptions

if TYPE_CHECKING:
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.protocol.workflow_records import StartedRun

_DONE: dict[Start, str] = {"resume": "resumed", "restart": "restarted"}


def start_ids(ctx: Context, how: Start, dlq_ids: Sequence[str], options: MessageOptions) -> Result:
    """Starts a new run for each DLQ id, in one request per fifty.

    Raises `BadInput` for an invalid id before sending anything.
    """
    chunks = id_chunks(dlq_ids, STARTED_AT_ONCE)
    if len(chunks) == 1 and len(chunks[0]) == 1:
        request = workflow_dlq.start(how, chunks[0][0], options)
        return ctx.write_all([request], partial(_result, how))
    started = _started(ctx, how, total=sum(map(len, chunks)))
    requests = [workflow_dlq.start_many(how, chunk, options) for chunk in chunks]
    return ctx.write_all(requests, started.result)


def start_matching(
    ctx: Context, how: Start, criteria: RunFilter, options: MessageOptions
) -> Result:
    """Starts a new run for every failed run that matches."""
    request = workflow_dlq.start_matching(how, criteria, options)

    def run(send: Send) -> Result:
        started = _started(ctx, how, total=None)
        return started.result(pages(send, request, started.size))

    return ctx.perform([request], run, later=REPEATED)


def _started(ctx: Context, how: Start, *, total: int | None) -> BulkRecords:
    action = BulkAction("workflowRuns", _DONE[how], "qstash workflow dlq list")
    return BulkRecords(ctx, action, partial(_result, how), total=total)


def _nothing() -> None:
    return None


def _result(
    how: Start,
    runs: Iterable[StartedRun],
    /,
    *,
    incomplete: Callable[[], QstashError | None] = _nothing,
) -> Result:
    count = 0

    def counted() -> Iterator[StartedRun]:
        nonlocal count
        for run in runs:
            count += 1
            yield run

    return Result(
        data=counted(),
        view=STARTED_RUNS,
        piped="ids",
        done=lambda: f"{_DONE[how].capitalize()} {amount(count, 'run')}",
        error=incomplete,
    )

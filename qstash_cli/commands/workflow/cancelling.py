"""Cancels workflow runs by id or by URL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from qstash_cli.cli.context import Context
from qstash_cli.cli.exchanges import Send
from qstash_cli.client.api import workflows
from qstash_cli.client.api.filters import id_chunks
from qstash_cli.client.api.workflows import CANCELLED_AT_ONCE, RunFilter
from qstash_cli.commands.workflow.views import CANCELLED_RUNS
from qstash_cli.errors import NotFound, PartlyDone, QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.workflow import STARTED

# The most runs that are counted for a confirmation, and the most requests for one cancel.
_MAX_COUNTED = 1000
_MAX_REQUESTS = 10_000


def cancel_ids(ctx: Context, run_ids: Sequence[str]) -> Result:
    """Cancels runs by their ids. Raises `BadInput` for an invalid id before sending anything."""
    chunks = id_chunks(run_ids)
    total = sum(map(len, chunks))

    def run(send: Send) -> Result:
        done = sum(send(request)["cancelled"] for request in requests)
        return _result(done)._replace(error=_failure(done, total))

    requests = [workflows.cancel_many(chunk) for chunk in chunks]
    return ctx.perform(requests, run)


def cancel_matching(ctx: Context, url: str | None, *, yes: bool) -> Result:
    """Cancels the live runs whose URL starts with `url`, or all. Asks unless `yes`."""
    narrowed = "" if url is None else f" (URL {url})"

    def question() -> str:
        number = sum(1 for _ in islice(_live(ctx, url), _MAX_COUNTED + 1))
        runs = (
            f"more than {_MAX_COUNTED:,} workflow runs"
            if number > _MAX_COUNTED
            else amount(number, "workflow run")
        )
        return f"Cancel {runs}{narrowed} {ctx.account_phrase}?"

    ctx.confirm(f"Cancel all workflow runs{narrowed}?", yes=yes, make_question=question)
    request = workflows.cancel_matching(url)

    def run(send: Send) -> Result:
        done = 0
        for _ in range(_MAX_REQUESTS):
            cancelled = send(request)["cancelled"]
            done += cancelled
            if cancelled < CANCELLED_AT_ONCE:
                break
        return _result(done)

    return ctx.perform(
        [request], run, later=f"repeated until fewer than {CANCELLED_AT_ONCE} runs are cancelled"
    )


def _live(ctx: Context, url: str | None) -> Iterator[object]:
    request = workflows.runs(RunFilter(states=(STARTED,)), with_bodies=False)
    found = ctx.read_pages(request)
    return (one for one in found if url is None or one["workflowUrl"].startswith(url))


def _result(done: int) -> Result:
    sentence = f"Cancelled {amount(done, 'workflow run')}"
    return Result(data={"cancelled": done}, view=CANCELLED_RUNS, done=sentence)


def _failure(done: int, total: int) -> QstashError | None:
    if done >= total:
        return None
    if not done:
        runs = "the run is" if total == 1 else f"all {total:,} runs are"
        return NotFound(
            f"nothing was cancelled: {runs} unknown or ended",
            hint="`qstash workflow list --state started` lists the live runs",
        )
    return PartlyDone(
        f"{done:,} of {total:,} runs {'was' if done == 1 else 'were'} cancelled",
        hint="the others are unknown or ended; QStash does not report which",
    )

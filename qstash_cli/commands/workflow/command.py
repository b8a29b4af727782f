"""`qstash workflow`: list, show, cancel, notify and wait for workflow runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument
from qstash_cli.cli.hints import connection_flags
from qstash_cli.cli.registry import NestedGroup, command, group
from qstash_cli.client.api import workflows
from qstash_cli.commands.common import message_body
from qstash_cli.commands.common.confirm_options import BulkOptions
from qstash_cli.commands.common.options import BodyOptions, WaitOptions
from qstash_cli.commands.common.paging import MORE_PAGES, LimitedList, PagingOptions
from qstash_cli.commands.workflow.cancelling import cancel_ids, cancel_matching
from qstash_cli.commands.workflow.following import failure, not_found, run_request, wait_for_run
from qstash_cli.commands.workflow.options import CancelOptions, NotifyOptions, RunLogFilters
from qstash_cli.commands.workflow.screen import blocks_of
from qstash_cli.commands.workflow.views import CANCELLED_RUNS, NOTIFIED, RUNS
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.workflow import STARTED

if TYPE_CHECKING:
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.protocol.workflow_records import WorkflowRun

app = group(
    NestedGroup("dlq", "List, resume, restart and delete failed runs", "workflow.dlq_command")
)

_Id = Annotated[str, Argument("Workflow run id", "RUN_ID", complete="run")]


@command(app, "list", view=RUNS)
def list_(ctx: Context, *, filters: RunLogFilters, paging: PagingOptions) -> Result:
    """List workflow runs, newest first.

    \b
    qstash workflow list --state failed --since 1d
    qstash workflow list --url https://example.com/onboard -q
    qstash workflow list --all -o csv
    """
    criteria = filters.filter()
    view = RUNS if criteria.is_empty else RUNS._replace(empty="no workflow runs match")

    def listed(found: Iterator[WorkflowRun]) -> Result:
        page = LimitedList(found, paging)
        return Result(data=page, view=view, footer=page.footer)

    later = MORE_PAGES if paging.all else ""
    return ctx.fetch_pages(workflows.runs(criteria), listed, later=later)


@command(app, view=RUNS)
def show(ctx: Context, run_id: _Id) -> Result:
    """Show a workflow run: its steps with times, states and results, and how it ended.

    Parallel steps are branches of a tree. -v adds the results of all steps in full.

    \b
    qstash workflow show wfr_123
    qstash workflow show wfr_123 --query 'steps[].steps[].stepName'
    """

    def shown(found: Iterator[WorkflowRun]) -> Result:
        run = next(found, None)
        if run is None:
            raise not_found(run_id)
        is_verbose = ctx.options.output.verbose
        return Result(
            data=run,
            view=RUNS,
            piped="json",
            screen=lambda: blocks_of(run, _next_commands(ctx, run), is_verbose=is_verbose),
        )

    return ctx.fetch_pages(run_request(run_id), shown)


@command(app, view=CANCELLED_RUNS)
def cancel(
    ctx: Context,
    run_ids: Annotated[
        list[str] | None, Argument("Workflow run ids", "RUN_ID", complete="run")
    ] = None,
    *,
    options: CancelOptions,
    bulk: BulkOptions,
) -> Result:
    """Cancel workflow runs by id, by URL, or all of them.

    Asks for confirmation if no id is given; --yes skips it.

    \b
    qstash workflow cancel wfr_123
    qstash workflow cancel --url https://example.com/onboard --yes
    qstash workflow cancel --all --yes
    """
    if run_ids is not None:
        if options.url is not None or bulk.all:
            raise BadInput(
                "ids cannot be combined with --url or --all", hint="nothing was cancelled"
            )
        return cancel_ids(ctx, run_ids)
    if (options.url is None) != bulk.all:
        message = "--url and --all exclude each other" if bulk.all else "no run is named"
        raise BadInput(message, hint="give an id, --url or --all")
    return cancel_matching(ctx, options.url, yes=bulk.yes)


@command(app, view=RUNS)
def wait(ctx: Context, run_id: _Id, *, waiting: WaitOptions) -> Result:
    """Wait until a workflow run has ended.

    Exits with 0 if the run succeeded, 8 if it failed or was cancelled, and 124 on timeout.

    \b
    qstash workflow wait wfr_123 --wait-timeout 5m
    qstash workflow wait wfr_123 -o json --query workflowRunResponse
    """

    def run(_send: Send) -> Result:
        ended = wait_for_run(ctx, run_id, waiting.wait_timeout)
        error: QstashError | None = failure(ended)
        return Result(data=ended, view=RUNS, error=error)

    return ctx.perform([run_request(run_id)], run, later="repeated until the run has ended")


@command(app, view=NOTIFIED)
def notify(
    ctx: Context,
    event_id: Annotated[str, Argument("Event id", "EVENT")],
    *,
    options: NotifyOptions,
    body: BodyOptions,
) -> Result:
    """Notify the workflow runs that wait for an event.

    An event for one run is kept until the run waits for it. Without --run, only the runs that
    wait now receive the event.

    \b
    qstash workflow notify order-17-paid --data-json '{"amount": 5}'
    qstash workflow notify approved --run wfr_123
    """
    data, _ = message_body.read(ctx, (), body, MessageOptions())
    request = workflows.notify(event_id, data, run_id=options.run)
    empty = "no run waits for the event"
    if options.run is not None:
        empty = "the event is kept until the run waits for it"
    view = NOTIFIED._replace(empty=empty)
    return ctx.write(
        request,
        lambda found: Result(
            data=found, view=view, done=f"Notified {amount(len(found), 'waiter')}"
        ),
    )


def _next_commands(ctx: Context, run: WorkflowRun) -> tuple[tuple[str, str], ...]:
    flags = connection_flags(ctx.options.connection)
    commands: tuple[tuple[str, ...], ...] = ()
    if run["workflowState"] == STARTED:
        commands = tuple((one, run["workflowRunId"]) for one in ("wait", "cancel"))
    elif run.get("dlqId"):
        commands = tuple(("dlq", one, run["dlqId"]) for one in ("resume", "restart"))
    return tuple(
        (words[-2], shlex.join(("qstash", "workflow", *words, *flags))) for words in commands
    )

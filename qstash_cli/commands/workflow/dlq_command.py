"""`qstash workflow dlq`: workflow runs that have failed."""

from __future__ import annotations

from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import workflow_dlq
from qstash_cli.client.api.workflows import RunFilter
from qstash_cli.commands.common.bulk_confirmation import confirm_failed_runs
from qstash_cli.commands.common.bulk_counts import (
    DELETES,
    Deletes,
    delete_ids,
    delete_matching,
)
from qstash_cli.commands.common.confirm_options import BulkOptions
from qstash_cli.commands.common.paging import (
    MORE_PAGES,
    DlqListOptions,
    PagingOptions,
    dlq_list,
)
from qstash_cli.commands.common.views import DELETED
from qstash_cli.commands.workflow.options import FailedRunFilters, RestartOptions
from qstash_cli.commands.workflow.restarting import start_ids, start_matching
from qstash_cli.commands.workflow.views import FAILED_RUN, FAILED_RUNS, STARTED_RUNS
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Result
from qstash_cli.protocol.ids import validate_id

app = group()

_Id = Annotated[str, Argument("DLQ id", "DLQ_ID", complete="workflow_dlq")]
_Ids = Annotated[list[str] | None, Argument("DLQ ids", "DLQ_ID", complete="workflow_dlq")]
_DELETES = DELETES._replace(
    noun="failed run",
    nouns="failed runs",
    none="`qstash workflow dlq list` shows the failed runs",
)


@command(app, "list", view=FAILED_RUNS)
def list_(
    ctx: Context, *, filters: FailedRunFilters, paging: PagingOptions, options: DlqListOptions
) -> Result:
    """List the failed runs, with the response of the step that failed.

    \b
    qstash workflow dlq list --since 1d
    qstash workflow dlq list --url https://example.com/onboard -q
    qstash workflow dlq list --callback-state failed --fail-if-any
    """
    criteria = filters.filter()
    view = FAILED_RUNS if criteria.is_empty else FAILED_RUNS._replace(empty="no failed runs match")
    return ctx.fetch_pages(
        workflow_dlq.entries(criteria),
        lambda entries: dlq_list(entries, view, paging, options),
        later=MORE_PAGES if paging.all else "",
    )


@command(app, view=FAILED_RUN)
def show(ctx: Context, dlq_id: _Id) -> Result:
    """Show a failed run with the last response, and the delivery of its failure callback.

    `qstash workflow show RUN_ID` shows its steps.

    \b
    qstash workflow dlq show 1725323658779-0 --query responseBody
    qstash workflow dlq show 1725323658779-0 -o json
    """
    return ctx.fetch(
        workflow_dlq.get(dlq_id), lambda found: Result(data=found, view=FAILED_RUN, piped="json")
    )


@command(app, view=STARTED_RUNS)
def resume(
    ctx: Context,
    dlq_ids: _Ids = None,
    *,
    filters: FailedRunFilters,
    options: RestartOptions,
    bulk: BulkOptions,
) -> Result:
    """Resume failed runs where they stopped.

    Each run continues as a new run, which keeps the results of finished steps. Options replace
    those of the failed run. Asks for confirmation if no id is given; --yes skips it.

    \b
    qstash workflow dlq resume 1725323658779-0
    qstash workflow dlq resume --url https://example.com/onboard --since 1h --yes
    qstash workflow dlq resume --all --set-flow-key mail --rate 5 --yes
    """
    criteria = _wanted(dlq_ids, filters, bulk)
    return _start(ctx, "resume", dlq_ids, criteria, options, yes=bulk.yes)


@command(app, view=STARTED_RUNS)
def restart(
    ctx: Context,
    dlq_ids: _Ids = None,
    *,
    filters: FailedRunFilters,
    options: RestartOptions,
    bulk: BulkOptions,
) -> Result:
    """Restart failed runs from their first step.

    Each run starts as a new run with the same payload. Options replace those of the failed run.
    Asks for confirmation if no id is given; --yes skips it.

    \b
    qstash workflow dlq restart 1725323658779-0 --retries 5
    qstash workflow dlq restart --label nightly --yes
    """
    criteria = _wanted(dlq_ids, filters, bulk)
    return _start(ctx, "restart", dlq_ids, criteria, options, yes=bulk.yes)


@command(app, view=DELETED)
def delete(
    ctx: Context, dlq_ids: _Ids = None, *, filters: FailedRunFilters, bulk: BulkOptions
) -> Result:
    """Delete failed runs from the DLQ permanently.

    Their log stays. Asks for confirmation if no id is given; --yes skips it.

    \b
    qstash workflow dlq delete 1725323658779-0
    qstash workflow dlq delete --until 30d --yes
    """
    criteria = _wanted(dlq_ids, filters, bulk)
    if dlq_ids is not None:
        deletes = Deletes(workflow_dlq.delete, workflow_dlq.delete_many)
        return delete_ids(ctx, dlq_ids, deletes, _DELETES)
    confirm_failed_runs(ctx, "Delete", criteria, yes=bulk.yes)
    return delete_matching(ctx, workflow_dlq.delete_matching(criteria), _DELETES)


@command(app, "retry-callback", view=STARTED_RUNS)
def retry_callback(ctx: Context, dlq_id: _Id) -> Result:
    """Send the failure callback of a failed run again.

    \b
    qstash workflow dlq retry-callback 1725323658779-0
    qstash workflow dlq list --callback-state failed -q
    """
    return ctx.write(
        workflow_dlq.retry_callback(dlq_id),
        lambda run: Result(
            data=run,
            view=STARTED_RUNS,
            piped="ids",
            done=f"Sent the failure callback of {run['workflowRunId']} again",
        ),
    )


def _start(
    ctx: Context,
    how: workflow_dlq.Start,
    dlq_ids: list[str] | None,
    criteria: RunFilter,
    options: RestartOptions,
    *,
    yes: bool,
) -> Result:
    message_options = options.message_options()
    if dlq_ids is not None:
        return start_ids(ctx, how, dlq_ids, message_options)
    confirm_failed_runs(ctx, how.capitalize(), criteria, yes=yes)
    return start_matching(ctx, how, criteria, message_options)


def _wanted(dlq_ids: list[str] | None, filters: FailedRunFilters, bulk: BulkOptions) -> RunFilter:
    criteria = filters.filter()
    if dlq_ids is not None:
        if not criteria.is_empty or bulk.all:
            raise BadInput("ids and filters cannot be combined", hint="nothing was sent")
        for dlq_id in dlq_ids:
            validate_id(dlq_id, "DLQ")
    elif criteria.is_empty and not bulk.all:
        raise BadInput("no run is named", hint="give a DLQ id, a filter such as --url, or --all")
    return criteria

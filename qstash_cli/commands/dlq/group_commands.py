"""`dlq retry --group` and `dlq delete --group`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qstash_cli.batch.id_list import Apply, id_list_of, read_ids
from qstash_cli.batch.journal import resumable
from qstash_cli.cli.context import Context
from qstash_cli.client.api import dlq
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.request import Request
from qstash_cli.client.retry import RetryPolicy
from qstash_cli.commands.common.views import DELETED
from qstash_cli.commands.dlq.group_job import Action, GroupJob
from qstash_cli.commands.dlq.group_journal import known_journal, new_journal
from qstash_cli.commands.dlq.group_options import GroupOptions
from qstash_cli.commands.dlq.group_selection import confirm_group, select_group
from qstash_cli.output.result import Result
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.options import MessageOptions

if TYPE_CHECKING:
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.protocol.records import Published


def retry_group(
    ctx: Context,
    criteria: Filter,
    group: GroupOptions,
    options: MessageOptions,
    as_result: Callable[..., Result],
    *,
    yes: bool,
    later: str,
) -> Result:
    """Retries the matching entries of a group. Raises like `_job`."""

    def request(ids: Sequence[str]) -> Request[Any]:
        return dlq.retry_many(ids, options)

    def apply(ids: Sequence[str], policy: RetryPolicy) -> Sequence[Published]:
        # A retried entry is gone, so a request that is sent twice retries it once.
        retried: Sequence[Published] = ctx.client.send(
            request(ids)._replace(repeatable=True), policy
        )["responses"]
        return retried

    job = _job(ctx, "retry", criteria, group, yes=yes, request=request, apply=apply)

    def run(_send: Send) -> Result:
        published = (message for outcome in job.outcomes() for message in outcome.messages)
        return as_result(published, incomplete=job.error)

    return ctx.perform(job.planned(), run, later=later)


def delete_group(ctx: Context, criteria: Filter, group: GroupOptions, *, yes: bool) -> Result:
    """Deletes the matching entries of a group. Raises like `_job`."""

    def apply(ids: Sequence[str], policy: RetryPolicy) -> Sequence[Any]:
        request = dlq.delete_many(ids)._replace(repeatable=True)
        deleted = ctx.client.send(request, policy)["deleted"]
        return [{"messageId": one} for one in ids[:deleted]]

    job = _job(ctx, "delete", criteria, group, yes=yes, request=dlq.delete_many, apply=apply)

    def run(_send: Send) -> Result:
        for _ in job.outcomes():
            pass
        return Result(
            data={"deleted": job.done},
            view=DELETED,
            done=f"Deleted {amount(job.done, 'DLQ entry')}",
            error=job.error(),
        )

    return ctx.perform(job.planned(), run)


def _job(
    ctx: Context,
    action: Action,
    criteria: Filter,
    options: GroupOptions,
    *,
    yes: bool,
    request: Callable[[Sequence[str]], Request[Any]],
    apply: Apply,
) -> GroupJob:
    """Returns the job for a group: that of an earlier run to resume, or one for its entries now.

    Asks before a new run. Raises `BadInput` if the previous run did not finish and this one does
    not resume it; raises like `select_group` and `Context.confirm`.
    """
    key = options.group or ""
    job = GroupJob(
        ctx=ctx, action=action, pace=options.pace, resumes=options.resume, ids=(), path=None,
        removes_journal=options.journal is None, request=request, apply=apply,
    )  # fmt: skip
    if not options.no_journal:
        job.path = known_journal(ctx, action, key, options.journal)
        if job.path is not None and resumable(job.path, job.run()) is not None:
            job.ids = read_ids(id_list_of(job.path))
            return job
    selection = select_group(ctx, key, criteria)
    confirm_group(ctx, action.capitalize(), selection, yes=yes)
    job.ids = selection.ids
    if not options.no_journal and ctx.options.connection.preview is None:
        job.path = new_journal(ctx, action, selection.reason.key, options.journal)
    return job

"""`qstash dlq`: manage messages that could not be delivered."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import dlq
from qstash_cli.client.api.filters import Filter
from qstash_cli.commands.common import publishing
from qstash_cli.commands.common.bulk_confirmation import confirm_entries
from qstash_cli.commands.common.bulk_counts import Deletes, delete_ids, delete_matching
from qstash_cli.commands.common.confirm_options import BulkOptions
from qstash_cli.commands.common.deliveries import FOLLOWED
from qstash_cli.commands.common.filters import DlqFilters
from qstash_cli.commands.common.options import PublishWaitOptions
from qstash_cli.commands.common.paging import (
    MORE_PAGES,
    DlqListOptions,
    PagingOptions,
    dlq_list,
)
from qstash_cli.commands.common.views import (
    DELETED,
    DLQ,
    DLQ_ENTRY,
    PUBLISHED,
    matching,
)
from qstash_cli.commands.dlq.bulk_retry import retry_ids, retry_matching
from qstash_cli.commands.dlq.exporting import EXPORTED, exported
from qstash_cli.commands.dlq.group_options import GroupOptions
from qstash_cli.commands.dlq.grouping import GROUPS, grouped
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Result
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.options import MessageOptions

app = group()

_Ids = Annotated[
    list[str] | None,
    Argument("DLQ ids", "DLQ_ID", complete="dlq"),
]


@command(app, "list", view=DLQ)
def list_(
    ctx: Context, *, filters: DlqFilters, paging: PagingOptions, options: DlqListOptions
) -> Result:
    """List the entries, oldest first.

    \b
    qstash dlq list --label nightly --since 1d
    qstash dlq list --all -q
    qstash dlq list --label payments --fail-if-any
    """
    criteria = filters.filter()
    view = matching(DLQ, criteria)
    return ctx.fetch_pages(
        dlq.entries(criteria),
        lambda entries: dlq_list(entries, view, paging, options),
        later=MORE_PAGES if paging.all else "",
    )


@command(app, view=DLQ_ENTRY)
def get(
    ctx: Context,
    dlq_id: Annotated[
        str,
        Argument("DLQ id", "DLQ_ID", complete="dlq"),
    ],
) -> Result:
    """Get an entry with the last response of the destination.

    \b
    qstash dlq get 1725323658779-0 --query responseBody
    qstash dlq get 1725323658779-0 -o json
    """
    return ctx.fetch(
        dlq.get(dlq_id),
        lambda found: Result(data=found, view=DLQ_ENTRY, piped="json"),
    )


@command(app, "group", view=GROUPS)
def group_(ctx: Context, *, filters: DlqFilters) -> Result:
    """Group the entries by status code, destination and response.

    Ids, numbers and times in responses do not matter. The largest group is first.

    \b
    qstash dlq group
    qstash dlq group --since 1d -o json
    """
    criteria = filters.filter()
    return ctx.fetch_pages(
        dlq.entries(criteria), lambda entries: grouped(ctx, entries, criteria), later=MORE_PAGES
    )


@command(app, view=EXPORTED)
def export(ctx: Context, *, filters: DlqFilters) -> Result:
    """Export messages as JSONL, which batch publishes and replay delivers.

    Entries stay in the dead letter queue. A binary body is in the field bodyBase64.

    \b
    qstash dlq export --status 503 > messages.jsonl
    qstash batch messages.jsonl
    """
    return ctx.fetch_pages(
        dlq.entries(filters.filter()), lambda entries: exported(ctx, entries), later=MORE_PAGES
    )


@command(app, view=PUBLISHED)
def retry(
    ctx: Context,
    dlq_ids: _Ids = None,
    *,
    filters: DlqFilters,
    options: Annotated[MessageOptions, "dlq_retry"],
    bulk: BulkOptions,
    group: GroupOptions,
    waiting: PublishWaitOptions,
) -> Result:
    """Retry entries as new messages.

    Options replace those of the original message. Asks for confirmation if no id is given; --yes
    skips it. A group has a journal: --resume continues after an interruption, and retries nothing
    twice.

    \b
    qstash dlq retry 1725323658779-0 --wait
    qstash dlq retry --status 503 --since 1h --yes
    qstash dlq retry --group 67281d61 --pace 10/s --yes
    """
    criteria = _wanted(dlq_ids, filters, bulk, group)
    as_result = partial(
        publishing.result_of,
        ctx,
        waiting=waiting,
        # An empty table says that nothing was retried.
        done=lambda ids: f"Retried {amount(len(ids), 'DLQ entry')}" if ids else "",
    )
    later = FOLLOWED if waiting.wait else ""
    if group.group is not None:
        from qstash_cli.commands.dlq.group_commands import retry_group

        return retry_group(ctx, criteria, group, options, as_result, yes=bulk.yes, later=later)
    if dlq_ids is not None:
        return retry_ids(ctx, dlq_ids, options, as_result, later=later)
    confirm_entries(ctx, "Retry", criteria, yes=bulk.yes)
    return retry_matching(ctx, criteria, options, as_result, later=later)


@command(app, view=DELETED)
def delete(
    ctx: Context,
    dlq_ids: _Ids = None,
    *,
    filters: DlqFilters,
    bulk: BulkOptions,
    group: GroupOptions,
) -> Result:
    """Delete entries permanently.

    Asks for confirmation if no id is given; --yes skips it.

    \b
    qstash dlq delete 1725323658779-0
    qstash dlq delete --until 30d --yes
    qstash dlq delete --group 67281d61 --yes
    """
    criteria = _wanted(dlq_ids, filters, bulk, group)
    if group.group is not None:
        from qstash_cli.commands.dlq.group_commands import delete_group

        return delete_group(ctx, criteria, group, yes=bulk.yes)
    if dlq_ids is not None:
        return delete_ids(ctx, dlq_ids, Deletes(dlq.delete, dlq.delete_many))
    confirm_entries(ctx, "Delete", criteria, yes=bulk.yes)
    return delete_matching(ctx, dlq.delete_matching(criteria))


def _wanted(
    dlq_ids: list[str] | None, filters: DlqFilters, bulk: BulkOptions, group: GroupOptions
) -> Filter:
    criteria = filters.filter()
    group.validate()
    if group.group is not None:
        if dlq_ids is not None or bulk.all:
            raise BadInput("--group cannot be combined with ids or --all", hint="nothing was sent")
    elif dlq_ids is not None:
        if not criteria.is_empty or bulk.all:
            raise BadInput("ids and filters cannot be combined", hint="nothing was sent")
        for dlq_id in dlq_ids:
            validate_id(dlq_id, "DLQ")
    elif criteria.is_empty and not bulk.all:
        raise BadInput("no entry is named", hint="give an id, a filter such as --label, or --all")
    return criteria

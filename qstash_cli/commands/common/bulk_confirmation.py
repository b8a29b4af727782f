"""Confirmation prompts of bulk operations: action, number of objects, and account."""

from __future__ import annotations

from collections.abc import Callable

from qstash_cli.cli.context import Context
from qstash_cli.client.api import dlq, queues, workflow_dlq
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.api.workflows import RunFilter
from qstash_cli.commands.common.filters import filter_text
from qstash_cli.errors import NotFound
from qstash_cli.protocol.numbers import amount, plural


def confirm_cancel(ctx: Context, criteria: Filter, *, yes: bool) -> None:
    """Asks before messages are cancelled. Raises like `Context.confirm`."""
    _confirm(ctx, "Cancel", "message", criteria, lambda: _count_messages(ctx, criteria), yes=yes)


def confirm_entries(ctx: Context, action: str, criteria: Filter, *, yes: bool) -> None:
    """Asks before DLQ entries are retried or deleted. Raises like `Context.confirm`."""
    _confirm(ctx, action, "DLQ entry", criteria, lambda: _count_entries(ctx, criteria), yes=yes)


def confirm_failed_runs(ctx: Context, action: str, criteria: RunFilter, *, yes: bool) -> None:
    """Asks before failed runs are started again or deleted. Raises like `Context.confirm`."""
    _confirm(
        ctx, action, "failed run", criteria, lambda: _count_failed_runs(ctx, criteria), yes=yes
    )


def _confirm(
    ctx: Context,
    action: str,
    noun: str,
    criteria: Filter | RunFilter,
    count: Callable[[], tuple[int, bool] | None],
    *,
    yes: bool,
) -> None:
    narrowed = "" if criteria.is_empty else f" ({filter_text(criteria, ctx.system.now())})"

    def question() -> str:
        return f"{action} {_amount(count(), noun)}{narrowed} {ctx.account_phrase}?"

    ctx.confirm(f"{action} all {plural(noun)}{narrowed}?", yes=yes, make_question=question)


def _amount(counted: tuple[int, bool] | None, noun: str) -> str:
    if counted is None:
        return f"all {plural(noun)}"
    number, has_more = counted
    return f"more than {number:,} {plural(noun)}" if has_more else amount(number, noun)


def _count_entries(ctx: Context, criteria: Filter) -> tuple[int, bool]:
    """Returns the number of entries on the first page, and whether there are more."""
    page = ctx.read(dlq.first_page(criteria))
    return len(page["messages"]), bool(page.get("cursor"))


def _count_failed_runs(ctx: Context, criteria: RunFilter) -> tuple[int, bool]:
    page = ctx.read(workflow_dlq.first_page(criteria))
    return len(page["messages"]), bool(page.get("cursor"))


def _count_messages(ctx: Context, criteria: Filter) -> tuple[int, bool] | None:
    """Returns the lag of a queue if it is the only filter.

    QStash reports no other number of messages.
    """
    if len(criteria.queues) != 1 or criteria != Filter(queues=criteria.queues):
        return None
    try:
        return ctx.read(queues.get(criteria.queues[0]))["lag"], False
    except NotFound:
        return 0, False

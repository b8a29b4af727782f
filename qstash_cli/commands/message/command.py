"""`qstash message`: get, show, cancel, release and wait for messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import bulk_actions, messages
from qstash_cli.commands.common.bulk_cancel import CANCELLED, cancel_matching
from qstash_cli.commands.common.bulk_confirmation import confirm_cancel
from qstash_cli.commands.common.bulk_counts import cancel_ids
from qstash_cli.commands.common.confirm_options import BulkOptions
from qstash_cli.commands.common.deliveries import entries_of, report_delivered, wait_for_end
from qstash_cli.commands.common.filters import MessageFilters
from qstash_cli.commands.common.options import WaitOptions
from qstash_cli.commands.common.paging import MORE_PAGES, LimitedList, PagingOptions
from qstash_cli.commands.common.per_id_requests import PerIdRequests
from qstash_cli.commands.common.views import (
    BULK_ACTION,
    IN_STATE,
    LOG,
    MESSAGE,
    RELEASED,
)
from qstash_cli.commands.message.views import SHOWN
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.states import parse_action_state

if TYPE_CHECKING:
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.protocol.records import BulkAction

app = group()

_Id = Annotated[str, Argument("Message id", "ID")]


@command(app, view=MESSAGE)
def get(ctx: Context, message_id: _Id) -> Result:
    """Get a message that is still being delivered.

    \b
    qstash message get msg_123 --query body
    qstash message get msg_123 -o json
    """
    return ctx.fetch(
        messages.get(message_id),
        lambda found: Result(data=found, view=MESSAGE, piped="json"),
    )


@command(app, view=SHOWN)
def show(
    ctx: Context,
    some_id: Annotated[str, Argument("Message id or DLQ id", "ID", complete="dlq")],
) -> Result:
    """Show a message with its attempts, responses and signature, and what to do next.

    Finished messages come from the log and the dead letter queue. -v adds response headers and
    more lines of the bodies. JSON contains QStash's records unchanged: message, logs and dlq.

    \b
    qstash message show msg_123
    qstash message show 1725323658779-0 -v
    qstash message show msg_123 --query 'logs[].state'
    """
    from qstash_cli.commands.message import show as showing

    return showing.show(ctx, some_id)


@dataclass(frozen=True, kw_only=True)
class CancelOptions:
    """Whether to wait for a cancel by filter."""

    is_async: bool = flag("Print the id of the bulk action instead of waiting", "--async")
    wait_timeout: int = flag(
        "Maximum wait for the cancel [default: 10m]",
        metavar="DURATION",
        parse=parse_duration_s,
        default=600,
    )


@command(app, view=CANCELLED)
def cancel(
    ctx: Context,
    message_ids: Annotated[
        list[str] | None,
        Argument("Message ids", "ID"),
    ] = None,
    *,
    filters: MessageFilters,
    bulk: BulkOptions,
    options: CancelOptions,
) -> Result:
    """Cancel messages by id or by filter.

    Asks for confirmation if no id is given; --yes skips it. A cancel by filter is one request.
    QStash cancels the messages in the background, and the command waits until that has finished.

    \b
    qstash message cancel msg_123
    qstash message cancel --label nightly --yes
    qstash message cancel --queue orders --yes --async
    """
    wanted = filters.filter()
    if message_ids is not None:
        if not wanted.is_empty or bulk.all or options.is_async:
            raise BadInput(
                "ids cannot be combined with filters, --all or --async",
                hint="nothing was cancelled",
            )
        return cancel_ids(ctx, message_ids)
    if wanted.is_empty and not bulk.all:
        raise BadInput("no message is named", hint="give an id, a filter such as --label, or --all")
    confirm_cancel(ctx, wanted, yes=bulk.yes)
    return cancel_matching(ctx, wanted, is_async=options.is_async, timeout_s=options.wait_timeout)


@command(app, "run-now", view=RELEASED)
def run_now(
    ctx: Context,
    message_ids: Annotated[
        list[str],
        Argument("Message ids", "ID", complete="waiting"),
    ],
) -> Result:
    """Deliver messages now instead of after their delay or retry delay.

    A retry that is delivered now counts as the attempt that was scheduled. Messages in a queue
    cannot be delivered ahead of their turn.

    \b
    qstash message run-now msg_123
    qstash message run-now msg_123 --dry-run
    """
    several = PerIdRequests(message_ids, messages.run_now, what="messages", done="released")

    def run(send: Send) -> Result:
        records = ({"messageId": message_id} for message_id in several.send(send))
        return Result(
            data=records,
            view=RELEASED,
            piped="ids",
            done=lambda: f"Released {amount(several.succeeded, 'message')}",
            error=several.failure,
        )

    return ctx.perform(several.requests, run)


@command(app, view=LOG)
def wait(ctx: Context, message_id: _Id, *, waiting: WaitOptions) -> Result:
    """Wait until a message is delivered or has failed.

    Exits with 0 if the message was delivered, 8 if it was not, and 124 on timeout.

    \b
    qstash message wait msg_123 --wait-timeout 5m
    qstash message wait msg_123 -o json --query state
    """
    request = entries_of(validate_id(message_id, "message"))

    def run(_send: Send) -> Result:
        end = wait_for_end(ctx, message_id, waiting.wait_timeout)

        def error() -> QstashError | None:
            if end.failure is None:
                report_delivered(ctx, [end])
            return end.failure

        return Result(data=end.entry, view=LOG, piped="tsv", error=error)

    return ctx.perform([request], run, later="repeated until the message is finished")


@dataclass(frozen=True, kw_only=True)
class ActionFilters:
    """Which bulk actions are listed."""

    state: str | None = flag(
        "Only this state: in-progress or finished",
        metavar="STATE",
        parse=parse_action_state,
        complete="in-progress|finished",
    )


@command(app, view=BULK_ACTION)
def actions(
    ctx: Context,
    action_id: Annotated[str | None, Argument("Bulk action id", "[ACTION_ID]")] = None,
    *,
    filters: ActionFilters,
    paging: PagingOptions,
) -> Result:
    """List the bulk cancels of the last seven days, or get one.

    \b
    qstash message actions
    qstash message actions --state in-progress
    qstash message actions bulk_123 --query processed
    """
    if action_id is not None:
        return _action(ctx, action_id)

    def listed(found: Iterator[BulkAction]) -> Result:
        page = LimitedList(found, paging)
        view = BULK_ACTION if filters.state is None else IN_STATE
        return Result(data=page, view=view, footer=page.footer)

    later = MORE_PAGES if paging.all else ""
    states = () if filters.state is None else (filters.state,)
    return ctx.fetch_pages(bulk_actions.list_all(states=states), listed, later=later)


@command(app, view=BULK_ACTION)
def action(
    ctx: Context,
    action_id: Annotated[str, Argument("Bulk action id", "ACTION_ID")],
) -> Result:
    """Get the progress of a bulk cancel, like `actions ACTION_ID`.

    \b
    qstash message action bulk_123 --query processed
    qstash message action bulk_123
    """
    return _action(ctx, action_id)


def _action(ctx: Context, action_id: str) -> Result:
    return ctx.fetch(
        bulk_actions.get(action_id),
        lambda found: Result(data=found, view=BULK_ACTION, piped="json"),
    )

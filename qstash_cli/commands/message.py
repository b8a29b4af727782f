"""`qstash message`: look at messages on their way, cancel them, wait for their end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, cast

from qstash_cli.cli.registry import command, group
from qstash_cli.client import actions as bulk_actions
from qstash_cli.client import messages
from qstash_cli.commands._follow import entries_of, failure_of, wait_for_end
from qstash_cli.commands._options import Bulk, MessageFilters, Paging, Patience
from qstash_cli.commands._paging import MORE_PAGES, Page
from qstash_cli.commands._views import BULK_ACTION, CANCELLED, LOG, MESSAGE, RELEASED
from qstash_cli.commands.several import Several
from qstash_cli.errors import BadInput
from qstash_cli.flags import Argument
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Result
from qstash_cli.protocol.ids import check_id

if TYPE_CHECKING:
    from qstash_cli.exchanges import Send
    from qstash_cli.protocol.records import BulkAction

app = group()

_Id = Annotated[str, Argument("Message id", "ID")]


@command(app)
def get(inv: Invocation, message_id: _Id) -> Result:
    """Show a message that is not yet done.

    \b
    qstash message get msg_123 --query body
    qstash message get msg_123 -o json
    """
    return inv.fetch(
        messages.get(message_id),
        lambda found: Result(data=cast("Any", found), view=MESSAGE, piped="json"),
    )


@command(app, view=CANCELLED)
def cancel(
    inv: Invocation,
    message_ids: Annotated[
        list[str] | None,
        Argument("Message ids", "ID"),
    ] = None,
    *,
    filters: MessageFilters,
    bulk: Bulk,
) -> Result:
    """Cancel messages by id, or those that fit the filters.

    Without an id it asks first, or needs --yes.

    \b
    qstash message cancel msg_123
    qstash message cancel --label nightly --yes
    """
    wanted = filters.filter()
    if message_ids is not None:
        if not wanted.is_empty or bulk.all:
            raise BadInput("ids and filters cannot be combined", hint="nothing was cancelled")
        checked = [check_id(message_id, "message") for message_id in message_ids]
        return inv.write_all(
            [messages.cancel(one) for one in checked],
            lambda answers: _cancelled(sum(answer["cancelled"] for answer in answers)),
        )
    if wanted.is_empty and not bulk.all:
        raise BadInput("no message is named", hint="give an id, a filter such as --label, or --all")
    inv.confirm("Cancel all messages that fit?" if not bulk.all else "Cancel ALL messages?",
                yes=bulk.yes)  # fmt: skip
    request = messages.cancel_matching(wanted)

    def run(send: Send) -> Result:
        total = 0
        with inv.status() as line:
            while count := send(request)["cancelled"]:
                total += count
                line.update(f"{total} cancelled")
                if count < messages.MOST_PER_CANCEL:
                    break
        return _cancelled(total)

    later = f"repeated while it cancels {messages.MOST_PER_CANCEL} messages"
    return inv.perform([request], run, later=later)


def _cancelled(count: int) -> Result:
    return Result(data={"cancelled": count}, view=CANCELLED)


@command(app, "run-now", view=RELEASED)
def run_now(
    inv: Invocation,
    message_ids: Annotated[
        list[str],
        Argument("Message ids", "ID", complete="waiting"),
    ],
) -> Result:
    """Deliver messages now that wait for their delay or for a retry.

    A retry that is released uses the attempt that it was scheduled for. Messages in a queue cannot
    be released.

    \b
    qstash message run-now msg_123
    qstash message run-now msg_123 --dry-run
    """
    several = Several(message_ids, what="messages", done="released")

    def run(send: Send) -> Result:
        released = several.send(send, messages.run_now)
        records = ({"messageId": message_id} for message_id in released)
        return Result(data=records, view=RELEASED, piped="ids", verdict=several.failure)

    return inv.perform([messages.run_now(one) for one in dict.fromkeys(message_ids)], run)


@command(app)
def wait(inv: Invocation, message_id: _Id, *, patience: Patience) -> Result:
    """Follow a message to its end.

    Exits 0 when it was delivered, 8 when it was not, 124 when the time is up.

    \b
    qstash message wait msg_123 --wait-timeout 5m
    qstash message wait msg_123 -o json --query state
    """
    request = entries_of(check_id(message_id, "message"))

    def run(_send: Send) -> Result:
        end = wait_for_end(inv, message_id, patience.wait_timeout)
        return Result(data=cast("Any", end), view=LOG, piped="tsv", failure=failure_of([end]))

    return inv.perform([request], run, later="repeated until the message is finished")


@command(app, view=BULK_ACTION)
def actions(inv: Invocation, *, paging: Paging) -> Result:
    """List the cancels by filter of the last seven days.

    \b
    qstash message actions
    qstash message actions -o json
    """

    def listed(found: Iterator[BulkAction]) -> Result:
        page = Page(found, paging)
        return Result(data=cast("Any", page), view=BULK_ACTION, footer=page.footer)

    later = MORE_PAGES if paging.all else ""
    return inv.fetch_pages(bulk_actions.every(), listed, later=later)


@command(app, view=BULK_ACTION)
def action(
    inv: Invocation,
    action_id: Annotated[str, Argument("Bulk action id", "ACTION_ID")],
) -> Result:
    """Show how far a cancel by filter is.

    \b
    qstash message action bulk_123 --query processed
    qstash message action bulk_123
    """
    return inv.fetch(
        bulk_actions.get(action_id),
        lambda found: Result(data=cast("Any", found), view=BULK_ACTION, piped="json"),
    )

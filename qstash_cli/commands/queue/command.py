"""`qstash queue`: list, set, pause, resume, delete and wait for queues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import logs, queues
from qstash_cli.client.api.filters import Filter
from qstash_cli.commands.common.confirm_options import ConfirmOptions
from qstash_cli.commands.common.options import WaitOptions
from qstash_cli.commands.common.views import NAMED, QUEUE
from qstash_cli.commands.queue.draining import Watched, wait_for_idle, wait_for_lag
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Result
from qstash_cli.protocol.numbers import amount, parse_count, parse_whole_number

if TYPE_CHECKING:
    from qstash_cli.client.request import Request
    from qstash_cli.protocol.records import Queue

app = group()

_Name = Annotated[
    str,
    Argument("Name of the queue", "NAME", complete="queue"),
]


@dataclass(frozen=True, kw_only=True)
class QueueOptions:
    """The properties to change."""

    parallelism: int | None = flag(
        "Maximum number of parallel deliveries", metavar="N", parse=parse_count
    )


@dataclass(frozen=True, kw_only=True)
class QueueWaitOptions:
    """The condition to wait for."""

    idle: bool = flag(
        "Wait until nothing is in flight and, unless the queue is paused, nothing is waiting"
    )
    lag: int | None = flag("Maximum lag to wait for", metavar="N", parse=parse_whole_number)


@command(app, "list", view=QUEUE)
def list_(ctx: Context) -> Result:
    """List the queues.

    \b
    qstash queue list
    qstash queue list --columns name,lag
    """
    return ctx.fetch(queues.list_all(), lambda found: Result(data=found, view=QUEUE))


@command(app, view=QUEUE)
def get(ctx: Context, name: _Name) -> Result:
    """Get a queue.

    \b
    qstash queue get orders --query lag
    qstash queue get orders -o json
    """
    return ctx.fetch(queues.get(name), lambda found: Result(data=found, view=QUEUE, piped="json"))


@command(app, "set", view=NAMED)
def set_(ctx: Context, name: _Name, *, options: QueueOptions) -> Result:
    """Create or update a queue.

    \b
    qstash queue set orders --parallelism 2
    qstash queue set orders --parallelism 2 --dry-run
    """
    limit = "" if options.parallelism is None else f" (parallelism {options.parallelism})"
    request = queues.put(name, parallelism=options.parallelism)
    return ctx.write(request, lambda _: _named(name, f"Saved queue {name}{limit}"))


@command(app, view=NAMED)
def pause(ctx: Context, name: _Name) -> Result:
    """Pause a queue; deliveries in flight are completed.

    \b
    qstash queue pause orders
    qstash queue pause orders --curl
    """
    return ctx.write(queues.pause(name), lambda _: _named(name, f"Paused queue {name}"))


@command(app, view=NAMED)
def resume(ctx: Context, name: _Name) -> Result:
    """Resume a queue.

    \b
    qstash queue resume orders
    qstash queue resume orders --curl
    """
    return ctx.write(queues.resume(name), lambda _: _named(name, f"Resumed queue {name}"))


@command(app, view=NAMED)
def delete(ctx: Context, name: _Name, *, confirm: ConfirmOptions) -> Result:
    """Delete a queue and its messages.

    \b
    qstash queue delete orders --yes
    qstash queue delete orders --dry-run
    """
    request = queues.delete(name)

    def question() -> str:
        lag = ctx.read(queues.get(name))["lag"]
        return f"Delete queue {name} and the {amount(lag, 'message')} in it, {ctx.account_phrase}?"

    ctx.confirm(f"Delete queue {name} and its messages?", yes=confirm.yes, make_question=question)
    return ctx.write(request, lambda _: _named(name, f"Deleted queue {name} and its messages"))


@command(app, view=QUEUE)
def wait(ctx: Context, name: _Name, *, until: QueueWaitOptions, waiting: WaitOptions) -> Result:
    """Wait until a queue is idle or its lag is low.

    With a paused queue, --idle waits only for deliveries in flight and their retries. The command
    reads the log: QStash keeps it for a few days, entries may appear some seconds late, and
    messages published in the meantime count too. Exits with 124 on timeout.

    \b
    qstash queue wait orders --idle --wait-timeout 10m
    qstash queue wait orders --lag 100
    """
    if until.idle == (until.lag is not None):
        raise BadInput("wait for one of two things", hint="give either --idle or --lag N")
    request = queues.get(name)
    return ctx.perform(
        [request],
        lambda _send: _waited(ctx, name, request, until, waiting),
        later="repeated until the queue is in that state, for --idle with GET /v2/logs",
    )


def _waited(
    ctx: Context, name: str, request: Request[Queue], until: QueueWaitOptions, waiting: WaitOptions
) -> Result:
    with ctx.status() as line:
        queue = Watched(
            name=name,
            read=lambda: ctx.read(request),
            since=lambda ms: ctx.read_pages(
                logs.entries(Filter(queues=(name,), from_ms=ms or None), with_bodies=False)
            ),
            now=ctx.system.now,
            sleep=ctx.system.sleep,
            report=line.update,
        )
        if until.lag is not None:
            record = wait_for_lag(queue, until.lag, waiting.wait_timeout)
        else:
            record = wait_for_idle(queue, waiting.wait_timeout)
    return Result(data=record, view=QUEUE, on_terminal="ids", piped="ids")


def _named(name: str, done: str) -> Result:
    return Result(data={"name": name}, view=NAMED, on_terminal="ids", piped="ids", done=done)

"""`qstash flow`: manage the rate and parallelism of flow control keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import flow
from qstash_cli.commands.common.views import FLOW, GLOBAL
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.durations import format_duration, parse_period_s
from qstash_cli.protocol.numbers import parse_count

app = group()

_Key = Annotated[
    str,
    Argument("Flow control key", "KEY", complete="flow_key"),
]
_KEY = View(columns=(Column(name="key", of="key"),), id="key")


@dataclass(frozen=True, kw_only=True)
class FlowLimits:
    """The limits to pin."""

    parallelism: int | None = flag(
        "Maximum number of parallel deliveries", metavar="N", parse=parse_count
    )
    rate: int | None = flag(
        "Maximum number of deliveries per period", metavar="N", parse=parse_count
    )
    period: int | None = flag(
        "Length of the period",
        metavar="DURATION",
        parse=parse_period_s,
    )

    def __str__(self) -> str:
        """Returns the limits as `parallelism 5, rate 100, period 1m`."""
        period = None if self.period is None else format_duration(self.period)
        limits = {"parallelism": self.parallelism, "rate": self.rate, "period": period}
        return ", ".join(f"{name} {limit}" for name, limit in limits.items() if limit is not None)


@dataclass(frozen=True, kw_only=True)
class UnpinOptions:
    """The limits to unpin; by default both."""

    parallelism: bool = flag("Unpin only the parallelism")
    rate: bool = flag("Unpin only the rate")


@command(app, "list", view=FLOW)
def list_(ctx: Context) -> Result:
    """List the flow control keys with their limits and usage.

    \b
    qstash flow list
    qstash flow list -o json
    """
    return ctx.fetch(flow.list_all(), lambda found: Result(data=found, view=FLOW))


@command(app, view=FLOW)
def get(ctx: Context, key: _Key) -> Result:
    """Get a flow control key.

    \b
    qstash flow get api --query waitListSize
    qstash flow get api -o json
    """
    return ctx.fetch(flow.get(key), lambda found: Result(data=found, view=FLOW, piped="json"))


@command(app, view=_KEY)
def pause(ctx: Context, key: _Key) -> Result:
    """Pause the deliveries of a flow control key.

    \b
    qstash flow pause api
    qstash flow pause api --curl
    """
    return ctx.write(flow.pause(key), lambda _: _keyed(key, f"Paused flow control key {key}"))


@command(app, view=_KEY)
def resume(ctx: Context, key: _Key) -> Result:
    """Resume the deliveries of a flow control key.

    \b
    qstash flow resume api
    qstash flow resume api --curl
    """
    return ctx.write(flow.resume(key), lambda _: _keyed(key, f"Resumed flow control key {key}"))


@command(app, view=_KEY)
def pin(ctx: Context, key: _Key, *, limits: FlowLimits) -> Result:
    """Pin limits, so that new messages cannot change them.

    \b
    qstash flow pin api --parallelism 5 --rate 100 --period 1m
    qstash flow pin api --parallelism 5 --dry-run
    """
    if limits == FlowLimits():
        raise BadInput("no limit to pin", hint="give --parallelism, --rate or --period")
    request = flow.pin(
        key, parallelism=limits.parallelism, rate=limits.rate, period_s=limits.period
    )
    done = f"Pinned flow control key {key} ({limits})"
    return ctx.write(request, lambda _: _keyed(key, done))


@command(app, view=_KEY)
def unpin(ctx: Context, key: _Key, *, which: UnpinOptions) -> Result:
    """Unpin limits, so that new messages can change them again.

    \b
    qstash flow unpin api --rate
    qstash flow unpin api --rate --parallelism
    """
    both = not (which.parallelism or which.rate)
    request = flow.unpin(key, parallelism=which.parallelism or both, rate=which.rate or both)
    limits = [name for name in ("parallelism", "rate") if both or getattr(which, name)]
    done = f"Unpinned the {' and '.join(limits)} of flow control key {key}"
    return ctx.write(request, lambda _: _keyed(key, done))


@command(app, view=_KEY)
def reset(ctx: Context, key: _Key) -> Result:
    """Reset the rate period of a flow control key.

    \b
    qstash flow reset api
    qstash flow reset api --dry-run
    """
    done = f"Reset the rate period of flow control key {key}"
    return ctx.write(flow.reset(key), lambda _: _keyed(key, done))


@command(app, "global", view=GLOBAL)
def global_(ctx: Context) -> Result:
    """Get the parallelism of the account.

    \b
    qstash flow global
    qstash flow global -o json
    """
    return ctx.fetch(flow.global_parallelism(), lambda found: Result(data=found, view=GLOBAL))


def _keyed(key: str, done: str) -> Result:
    return Result(data={"key": key}, view=_KEY, on_terminal="ids", piped="ids", done=done)

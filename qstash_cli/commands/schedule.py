"""`qstash schedule`: messages that are published again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, cast

import typer

from qstash_cli.client import schedules
from qstash_cli.commands import _body, _sending
from qstash_cli.commands._options import Body, Confirm, parse_count
from qstash_cli.commands._signature import command, group
from qstash_cli.commands._values import values
from qstash_cli.commands._views import SCHEDULE, SCHEDULED
from qstash_cli.errors import BadInput
from qstash_cli.flags import flag
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.cron import fires, parse_cron, per_day, with_zone
from qstash_cli.protocol.destination import check_destination
from qstash_cli.protocol.ids import check_name
from qstash_cli.protocol.options import MessageOptions

app = group("Schedules: publish again and again")

_Id = Annotated[
    str,
    typer.Argument(
        help="Schedule id", metavar="ID", show_default=False, autocompletion=values("schedule")
    ),
]
_TIMES = View(
    columns=(
        Column(name="utc", of="utc"),
        Column(name="local", of="local"),
        Column(name="change", of="change"),
    ),
    id="utc",
)


@dataclass(frozen=True, kw_only=True)
class Zone:
    """Where the clock hangs that the expression means."""

    tz: str | None = flag(
        "Time zone of the expression (default UTC)", metavar="ZONE", complete="zone"
    )


@dataclass(frozen=True, kw_only=True)
class Timing(Zone):
    """When to publish, and as which schedule."""

    id: str | None = flag(
        "Id of the schedule; an existing one is replaced",
        metavar="ID",
        parse=lambda text, _now: check_name(text, "schedule"),
    )
    no_check: bool = flag("Leave the checks to QStash")


@dataclass(frozen=True, kw_only=True)
class Times(Zone):
    """How many times to show."""

    count: int = flag(
        "How many (default 10)", "-n", "--count", metavar="N", parse=parse_count, default=10
    )


@command(app, view=SCHEDULED)
def create(
    inv: Invocation,
    destination: Annotated[
        str,
        typer.Argument(
            help="URL or URL group",
            metavar="DEST",
            show_default=False,
            autocompletion=values("urlgroup"),
        ),
    ],
    items: Annotated[
        list[str] | None,
        typer.Argument(
            help="Fields of a JSON body: key=value key:=json",
            metavar="[KEY=VALUE]...",
            show_default=False,
        ),
    ] = None,
    *,
    timing: Timing,
    body: Body,
    options: Annotated[MessageOptions, "schedule"],
) -> Result:
    """Publish a message at the times of a cron expression.

    \b
    qstash schedule create https://example.com/hook --cron '0 3 * * *' --tz Europe/Berlin
    qstash schedule create https://example.com/hook job=report --cron '@daily' --id report
    """
    if options.cron is None:
        raise BadInput("no cron expression", hint="add --cron '0 3 * * *'")
    cron = with_zone(options.cron, timing.tz)
    data, options = _body.read(inv, items or (), body, options)
    options = replace(options, cron=cron, schedule_id=timing.id)
    if not timing.no_check:
        destination = check_destination(destination)
        _sending.check(inv, destination, options, len(data))
        parsed = parse_cron(cron)
    answer = inv.send(schedules.create(destination, options, data))
    if not timing.no_check:
        inv.note(_frequency(per_day(parsed)))
    return Result(data=cast("Any", answer), view=SCHEDULED, piped="ids")


@command(app, "list", view=SCHEDULE)
def list_(inv: Invocation) -> Result:
    """List the schedules with their next time.

    \b
    qstash schedule list
    qstash schedule list -o json --query '[].cron'
    """
    return Result(data=cast("Any", inv.send(schedules.every())), view=SCHEDULE)


@command(app)
def get(inv: Invocation, schedule_id: _Id) -> Result:
    """Show a schedule.

    \b
    qstash schedule get report --query lastScheduleStates
    qstash schedule get report -o json
    """
    answer = inv.send(schedules.get(schedule_id))
    return Result(data=cast("Any", answer), view=SCHEDULE, piped="json")


@command(app, view=SCHEDULED)
def pause(inv: Invocation, schedule_id: _Id) -> Result:
    """Let the next times pass without publishing.

    \b
    qstash schedule pause report
    qstash schedule pause report --curl
    """
    inv.send(schedules.pause(schedule_id))
    return _done(schedule_id)


@command(app, view=SCHEDULED)
def resume(inv: Invocation, schedule_id: _Id) -> Result:
    """Publish again.

    \b
    qstash schedule resume report
    qstash schedule resume report --curl
    """
    inv.send(schedules.resume(schedule_id))
    return _done(schedule_id)


@command(app, view=SCHEDULED)
def delete(inv: Invocation, schedule_id: _Id, *, confirm: Confirm) -> Result:
    """Delete a schedule; what it has published goes on.

    \b
    qstash schedule delete report --yes
    qstash schedule delete report --dry-run
    """
    request = schedules.delete(schedule_id)
    inv.confirm(f"Delete the schedule {schedule_id}?", yes=confirm.yes)
    inv.send(request)
    return _done(schedule_id)


@command(app, "next", connects=False, view=_TIMES)
def next_(
    inv: Invocation,
    cron: Annotated[
        str, typer.Argument(help="Cron expression", metavar="CRON", show_default=False)
    ],
    *,
    times: Times,
) -> Result:
    """Show when a cron expression fires, in UTC and in its zone.

    It names the times that a daylight-saving change moves or repeats.

    \b
    qstash schedule next '0 3 * * *' --tz Europe/Berlin -n 5
    qstash schedule next '*/15 9-17 * * MON-FRI'
    """
    return Result(data=_times(inv, with_zone(cron, times.tz), times.count), view=_TIMES)


def _times(inv: Invocation, cron: str, count: int) -> Iterator[dict[str, str]]:
    for fire in islice(fires(parse_cron(cron), inv.now()), count):
        yield {
            "utc": datetime.fromtimestamp(fire.at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "local": fire.local.isoformat(),
            "change": fire.change,
        }


def _done(schedule_id: str) -> Result:
    return Result(data={"scheduleId": schedule_id}, view=SCHEDULED, on_terminal="ids", piped="ids")


def _frequency(times_a_day: float) -> str:
    if 0 < times_a_day < 1:
        return f"it publishes about once in {1 / times_a_day:,.0f} days"
    return f"it publishes about {times_a_day:,.0f} times a day"

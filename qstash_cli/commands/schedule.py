"""`qstash schedule`: manage schedules, which publish a message repeatedly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import schedules
from qstash_cli.commands.common import message_body, message_validation, publishing
from qstash_cli.commands.common.confirm_options import ConfirmOptions
from qstash_cli.commands.common.options import BodyOptions, PublishWaitOptions
from qstash_cli.commands.common.schedule_volume import ScheduleForecast, endpoints_of
from qstash_cli.commands.common.views import PUBLISHED, SCHEDULE, SCHEDULED
from qstash_cli.errors import BadInput, NotFound, QstashError
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.cron import fires, parse_cron, with_zone
from qstash_cli.protocol.destination import validate_destination
from qstash_cli.protocol.ids import validate_name
from qstash_cli.protocol.numbers import parse_count
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.volume import messages_per_day

if TYPE_CHECKING:
    from qstash_cli.output.blocks import Block
    from qstash_cli.protocol.records import Scheduled

app = group()

_Id = Annotated[
    str,
    Argument("Schedule id", "ID", complete="schedule"),
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
class TimeZoneOption:
    """The time zone of the cron expression."""

    tz: str | None = flag(
        "Time zone of the cron expression [default: UTC]", metavar="ZONE", complete="zone"
    )


@dataclass(frozen=True, kw_only=True)
class ScheduleOptions(TimeZoneOption):
    """The time of publishing, and the id of the schedule."""

    id: str | None = flag(
        "Id of the schedule",
        metavar="ID",
        parse=lambda text: validate_name(text, "schedule"),
    )
    replace: bool = flag("Replace an existing schedule with this id completely")
    no_check: bool = flag("Skip client-side validation")


@dataclass(frozen=True, kw_only=True)
class NextOptions(TimeZoneOption):
    """The number of times to print."""

    count: int = flag(
        "Number of times [default: 10]", "-n", "--count", metavar="N", parse=parse_count, default=10
    )


@command(app, view=SCHEDULED)
def create(
    ctx: Context,
    destination: Annotated[
        str,
        Argument("URL or URL group", "DEST", complete="urlgroup"),
    ],
    items: Annotated[
        list[str] | None,
        Argument("Fields of a JSON body: key=value key:=json", "KEY=VALUE"),
    ] = None,
    *,
    timing: ScheduleOptions,
    body: BodyOptions,
    options: Annotated[MessageOptions, "schedule"],
) -> Result:
    """Create a schedule, which publishes a message by cron.

    An existing --id is rejected without --replace. Prints how many messages a day the schedule
    publishes, if every delivery succeeds at the first attempt.

    \b
    qstash schedule create https://example.com/hook --cron '0 3 * * *' --tz Europe/Berlin
    qstash schedule create https://example.com/hook job=report --cron '@daily' --id report --replace
    """
    if options.cron is None:
        raise BadInput("no cron expression", hint="add --cron '0 3 * * *'")
    cron = with_zone(options.cron, timing.tz)
    data, options = message_body.read(ctx, items or (), body, options)
    options = replace(options, cron=cron, schedule_id=timing.id)
    if not timing.no_check:
        destination = validate_destination(destination)
        message_validation.validate(ctx, destination, options, len(data))
        parse_cron(cron)
    if timing.id is not None and not timing.replace:
        _refuse_existing(ctx, timing.id)

    def volume() -> None:
        has_callback = options.callback is not None
        endpoints = endpoints_of(ctx, destination)
        per_day = messages_per_day(cron, endpoints=endpoints, has_callback=has_callback)
        if per_day:
            ctx.note_forecast("the schedule publishes", per_day)

    def created(response: Scheduled) -> Result:
        # Print the id before the request for the endpoints, which may fail.
        done = f"{'Saved' if timing.replace else 'Created'} schedule {response['scheduleId']}"
        return Result(data=response, view=SCHEDULED, piped="ids", footer=volume, done=done)

    return ctx.write(schedules.create(destination, options, data), created)


@command(app, "list", view=SCHEDULE)
def list_(ctx: Context) -> Result:
    """List the schedules with their next run.

    On a terminal, estimates the messages a day of each schedule and of all, if every delivery
    succeeds at the first attempt, and compares them with the plan of the profile.

    \b
    qstash schedule list
    qstash schedule list -o json --query '[].cron'
    """
    forecast = ScheduleForecast(ctx)
    return ctx.fetch(
        schedules.list_all(),
        lambda found: Result(data=found, view=forecast.view, footer=lambda: forecast.report(found)),
    )


@command(app, view=SCHEDULE)
def get(ctx: Context, schedule_id: _Id) -> Result:
    """Get a schedule.

    \b
    qstash schedule get report --query lastScheduleStates
    qstash schedule get report -o json
    """
    return ctx.fetch(
        schedules.get(schedule_id),
        lambda found: Result(data=found, view=ScheduleForecast(ctx).view, piped="json"),
    )


@command(app, view=SCHEDULED)
def pause(ctx: Context, schedule_id: _Id) -> Result:
    """Pause a schedule.

    \b
    qstash schedule pause report
    qstash schedule pause report --curl
    """
    return ctx.write(schedules.pause(schedule_id), lambda _: _named(schedule_id, "Paused"))


@command(app, view=SCHEDULED)
def resume(ctx: Context, schedule_id: _Id) -> Result:
    """Resume a schedule.

    \b
    qstash schedule resume report
    qstash schedule resume report --curl
    """
    return ctx.write(schedules.resume(schedule_id), lambda _: _named(schedule_id, "Resumed"))


@command(app, view=SCHEDULED)
def delete(ctx: Context, schedule_id: _Id, *, confirm: ConfirmOptions) -> Result:
    """Delete a schedule; its published messages are still delivered.

    \b
    qstash schedule delete report --yes
    qstash schedule delete report --dry-run
    """
    request = schedules.delete(schedule_id)

    def question() -> str:
        stored = ctx.read(schedules.get(schedule_id))
        what = f"{schedule_id} ({stored['cron']}, {stored['destination']})"
        return f"Delete schedule {what} {ctx.account_phrase}?"

    ctx.confirm(f"Delete schedule {schedule_id}?", yes=confirm.yes, make_question=question)
    return ctx.write(request, lambda _: _named(schedule_id, "Deleted"))


@command(app, view=PUBLISHED)
def run(ctx: Context, schedule_id: _Id, *, waiting: PublishWaitOptions) -> Result:
    """Publish the message of a schedule once, now.

    The message is independent of the schedule: it has no Upstash-Schedule-Id header, and the
    schedule's next run and states do not change. Settings that QStash does not return, such as the
    retries of a callback, have their defaults.

    \b
    qstash schedule run report --wait
    qstash schedule run report --dry-run
    """
    from qstash_cli.manifest.account import read_schedules

    (stored,) = read_schedules([ctx.read(schedules.get(schedule_id))]).values()
    if stored.redacted:
        raise BadInput(
            f"the schedule cannot be run from here: its {stored.redacted[0]} is redacted",
            hint="QStash shows a hash in its place; publish the message itself",
        )
    schedule = stored.schedule
    options = replace(schedule.options, label=stored.labels)
    if options.queue and options.delay_s:
        ctx.note("it is published without the schedule's delay, which QStash refuses in a queue")
        options = replace(options, delay_s=None)
    ctx.note(
        "the delivery has no Upstash-Schedule-Id header, because the schedule does not publish it"
    )
    options = message_validation.idempotent(ctx, options)
    return publishing.send(ctx, schedule.destination, options, schedule.body, waiting)


@command(app, "next", connects=False, view=_TIMES)
def next_(
    ctx: Context,
    cron: Annotated[str, Argument("Cron expression", "CRON")],
    *,
    times: NextOptions,
) -> Result:
    """Show when a cron expression fires, in UTC and in its time zone.

    Marks the times that a daylight-saving change moves or repeats.

    \b
    qstash schedule next '0 3 * * *' --tz Europe/Berlin -n 5
    qstash schedule next '*/15 9-17 * * MON-FRI'
    """
    rows = list(_times(ctx, with_zone(cron, times.tz), times.count))

    def screen() -> Iterator[Block]:
        from functools import partial

        from qstash_cli.output.blocks import Chart, Listing, Section
        from qstash_cli.output.charts import calendar

        yield Chart(partial(calendar, [datetime.fromisoformat(row["local"]) for row in rows]))
        yield Section()
        yield Listing(rows, _TIMES)

    return Result(data=rows, view=_TIMES, screen=screen)


def _times(ctx: Context, cron: str, count: int) -> Iterator[dict[str, str]]:
    for fire in islice(fires(parse_cron(cron), ctx.system.now()), count):
        yield {
            "utc": datetime.fromtimestamp(fire.at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "local": fire.local.isoformat(),
            "change": fire.change,
        }


def _named(schedule_id: str, done: str) -> Result:
    return Result(
        data={"scheduleId": schedule_id},
        view=SCHEDULED,
        on_terminal="ids",
        piped="ids",
        done=f"{done} schedule {schedule_id}",
    )


def _refuse_existing(ctx: Context, schedule_id: str) -> None:
    with suppress(NotFound), ctx.checking(f"whether the schedule {schedule_id} exists"):
        ctx.read(schedules.get(schedule_id))
        raise QstashError(
            f"there is a schedule of this id already: {schedule_id}",
            hint="add --replace to replace it as a whole; nothing was changed",
        )

"""`qstash check`: check the account against limits, for CI and monitoring."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import (
    dlq,
    flow,
    queues,
    schedules,
)
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.request import Request
from qstash_cli.commands.check import measures, report_formats
from qstash_cli.commands.check.explanations import explained
from qstash_cli.commands.check.measures import CheckKind, CheckResult, check_result
from qstash_cli.commands.common.filters import LabelFilter
from qstash_cli.commands.common.paging import MORE_PAGES
from qstash_cli.errors import BadInput, NotFound, QstashError, SilentExit
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.ids import validate_name
from qstash_cli.protocol.instants import parse_past_instant_s
from qstash_cli.protocol.numbers import parse_whole_number

app = group()

_NAGIOS = "nagios"
_VIEW = View(
    columns=(
        Column(name="check", of="check"),
        Column(name="name", of="name"),
        Column(name="value", of="value"),
        Column(name="max", of="max"),
        Column(name="ok", of="ok"),
        Column(name="detail", of="detail", wraps=True),
    ),
    id=lambda record: record["name"] or record["check"],
    forms=("text", "prometheus", _NAGIOS),
)


class _Check(NamedTuple):
    """The first request of a check, and the function that evaluates the response."""

    request: Request[object]
    measure: Callable[[Context], Iterator[CheckResult]]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """The checks and their limits."""

    dlq_max: int | None = flag(
        "Maximum number of DLQ entries",
        metavar="N",
        parse=parse_whole_number,
        section="Checks",
    )
    dlq_since: tuple[int, str] | None = flag(
        "Count only DLQ entries since this time, or for this long",
        metavar="TIME",
        parse_at=lambda text, now: (round(parse_past_instant_s(text, now) * 1000), text.strip()),
        section="Checks",
    )
    queue: tuple[str, ...] = flag(
        "Queue whose lag is checked (see --lag-max)",
        metavar="NAME",
        repeats=True,
        parse=lambda text: validate_name(text, "queue"),
        section="Checks",
        complete="queue",
    )
    lag_max: int | None = flag(
        "Maximum number of undelivered messages in each --queue",
        metavar="N",
        parse=parse_whole_number,
        section="Checks",
    )
    flow: tuple[str, ...] = flag(
        "Flow control key to check (see --waiting-max)",
        metavar="KEY",
        repeats=True,
        section="Checks",
        complete="flow_key",
    )
    waiting_max: int | None = flag(
        "Maximum number of waiting messages for each --flow",
        metavar="N",
        parse=parse_whole_number,
        section="Checks",
    )
    schedules_failed_max: int | None = flag(
        "Maximum number of active schedules whose last run failed or that cannot publish",
        metavar="N",
        parse=parse_whole_number,
        section="Checks",
    )
    schedule_late: int | None = flag(
        "Maximum delay of the next run of an active schedule",
        metavar="DURATION",
        parse=parse_duration_s,
        section="Checks",
    )

    @property
    def kinds(self) -> list[CheckKind]:
        """The checks that have limits."""
        limits: dict[CheckKind, object] = {
            "dlq": self.dlq_max,
            "queue": self.lag_max,
            "flow": self.waiting_max,
            "schedules-failed": self.schedules_failed_max,
            "schedule-late": self.schedule_late,
        }
        return [kind for kind, limit in limits.items() if limit is not None]

    @property
    def checks_schedules(self) -> bool:
        """Whether schedules are checked."""
        return not (self.schedules_failed_max is None and self.schedule_late is None)


@dataclass(frozen=True, kw_only=True)
class ExplainOptions:
    """Whether to explain the checks."""

    explain: bool = flag("Explain these checks, or all without limits; sends nothing")


def _unknown(ctx: Context, error: QstashError) -> Result | None:
    if ctx.options.output.format != _NAGIOS:
        return None
    return Result(
        data=(),
        view=_VIEW,
        forms={_NAGIOS: report_formats.nagios_unknown(error)},
        error=SilentExit(report_formats.NAGIOS_UNKNOWN),
    )


@command(app, view=_VIEW, on_error=_unknown)
def check(
    ctx: Context, *, limits: Thresholds, labels: LabelFilter, options: ExplainOptions
) -> Result:
    """Check the account against limits: exit 0 if all are met, 1 if one is exceeded.

    Prints one line for each check. A read-only token is enough. --label filters the DLQ and the
    schedules. -o prometheus writes metrics for a textfile collector; -o nagios writes a plugin's
    line and exits with 0, with 2 if a limit is exceeded, and with 3 if a check was not possible.
    --schedule-late uses the clock of this machine. --explain says what each check reads, why it
    matters, and what to do.

    \b
    qstash check --dlq-max 100 --queue orders --lag-max 500
    qstash check --schedules-failed-max 0 --schedule-late 10m -o prometheus
    qstash check --dlq-max 0 --dlq-since 30m --label payments -o nagios
    qstash check --explain
    """
    if options.explain:
        if ctx.options.output.format in _VIEW.forms:
            raise BadInput(
                "--explain has no such format",
                hint="leave out -o, or use -o json; nothing was sent",
            )
        return explained(ctx, limits.kinds)
    _validate_partners(limits, labels.names())
    # Build every request before sending the first one, so that errors in options come first.
    checks = list(_checks(limits, labels.names()))
    requests = [one.request for one in checks]
    later = MORE_PAGES if limits.dlq_max is not None else ""
    return ctx.perform(requests, lambda _send: _result(ctx, checks), later=later)


def _result(ctx: Context, checks: Sequence[_Check]) -> Result:
    records = [record for one in checks for record in one.measure(ctx)]
    line, code = report_formats.nagios(records)
    lines = report_formats.lines(records)
    is_nagios = ctx.options.output.format == _NAGIOS
    return Result(
        data=records,
        view=_VIEW,
        lines=lines,
        forms={
            "text": "\n".join(line.text for line in lines),
            "prometheus": report_formats.prometheus(records),
            _NAGIOS: line,
        },
        error=SilentExit(code) if is_nagios else report_formats.exceeded(records),
    )


def _validate_partners(limits: Thresholds, labels: Sequence[str]) -> None:
    pairs = (
        ("--queue", limits.queue, "--lag-max N", limits.lag_max),
        ("--flow", limits.flow, "--waiting-max N", limits.waiting_max),
    )
    for name, given, limit_flag, limit in pairs:
        if given and limit is None:
            raise BadInput(f"{name} without a limit", hint=f"add {limit_flag}; nothing was sent")
        if limit is not None and not given:
            flag_name = limit_flag.partition(" ")[0]
            raise BadInput(f"{flag_name} of nothing", hint=f"add {name}; nothing was sent")
    if limits.dlq_since is not None and limits.dlq_max is None:
        raise BadInput("--dlq-since without a limit", hint="add --dlq-max N; nothing was sent")
    if labels and limits.dlq_max is None and not limits.checks_schedules:
        raise BadInput(
            "--label is for the DLQ and schedules, and neither is checked",
            hint="add --dlq-max N or --schedules-failed-max N; nothing was sent",
        )
    if limits == Thresholds():
        raise BadInput("nothing to check", hint="add --dlq-max N, or --queue NAME --lag-max N")


def _checks(limits: Thresholds, labels: tuple[str, ...]) -> Iterator[_Check]:
    if limits.dlq_max is not None:
        yield _dlq(limits.dlq_max, limits.dlq_since, labels)
    if limits.lag_max is not None:
        for name in dict.fromkeys(limits.queue):
            yield _queue(name, limits.lag_max)
    if limits.waiting_max is not None:
        for key in dict.fromkeys(limits.flow):
            yield _flow(key, limits.waiting_max)
    if limits.checks_schedules:
        yield _schedules(limits, labels)


def _dlq(limit: int, since: tuple[int, str] | None, labels: tuple[str, ...]) -> _Check:
    since_ms, since_text = since or (None, "")
    request = dlq.entries(Filter(labels=labels, from_ms=since_ms))
    parts = [f"label {' or '.join(labels)}"] if labels else []
    parts += [f"since {since_text}"] if since else []

    def measure(ctx: Context) -> Iterator[CheckResult]:
        count = sum(1 for _ in ctx.read_pages(request))
        yield check_result("dlq", count, limit, detail=", ".join(parts))

    return _Check(request, measure)


def _queue(name: str, limit: int) -> _Check:
    request = queues.get(name)

    def measure(ctx: Context) -> Iterator[CheckResult]:
        found = ctx.read(request)
        yield check_result("queue", found["lag"], limit, name=name, detail=_paused(found["paused"]))

    return _Check(request, measure)


def _flow(key: str, limit: int) -> _Check:
    request = flow.get(key)

    def measure(ctx: Context) -> Iterator[CheckResult]:
        try:
            found = ctx.read(request)
        except NotFound:
            # QStash forgets unused keys. A list of keys in its response proves that the response is
            # QStash's.
            ctx.read(flow.list_all())
            yield check_result("flow", 0, limit, name=key, detail="no such key now")
            return
        waiting = found["waitListSize"]
        yield check_result("flow", waiting, limit, name=key, detail=_paused(found.get("isPaused")))

    return _Check(request, measure)


def _paused(is_paused: object) -> str:
    return "paused" if is_paused else ""


def _schedules(limits: Thresholds, labels: tuple[str, ...]) -> _Check:
    request = schedules.list_all()

    def measure(ctx: Context) -> Iterator[CheckResult]:
        found = measures.with_labels(ctx.read(request), labels)
        if limits.schedules_failed_max is not None:
            yield measures.failed(found, limits.schedules_failed_max)
        if limits.schedule_late is not None:
            yield measures.late(found, limits.schedule_late, ctx.system.now())

    return _Check(request, measure)

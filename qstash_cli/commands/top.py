"""`qstash top`: a live view of the account on the whole terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.keyboard import END_OF_INPUT, KeyWithin, reading_keys
from qstash_cli.cli.registry import command, group
from qstash_cli.cli.signals import unwinding
from qstash_cli.client.api import dlq, flow, logs, queues, schedules
from qstash_cli.client.api.filters import Filter
from qstash_cli.commands.common.views import RAW
from qstash_cli.errors import BadCredentials, BadInput, QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.durations import format_duration, parse_duration_s

if TYPE_CHECKING:
    from qstash_cli.cli.preview import Planned
    from qstash_cli.client.request import Request
    from qstash_cli.output.dashboard import Dashboard, Snapshot
    from qstash_cli.protocol.records import LogEntry

app = group()

_LOG_ENTRIES = 100
_QUIT = frozenset({"q", "Q", END_OF_INPUT})
# How soon a response is displayed after it arrives.
_SLICE_S = 0.2

# Returns a snapshot, or the exception that prevented it.
_Outcome = SimpleQueue["Snapshot | Exception"]


def _interval_s(text: str) -> int:
    interval_s = parse_duration_s(text)
    if interval_s < 1:
        raise BadInput(f"not an interval: {text!r}", hint="at least 1s")
    return interval_s


@dataclass(frozen=True, kw_only=True)
class TopOptions:
    """How often to refresh."""

    interval: int = flag(
        "Time between two refreshes [default: 2s]",
        metavar="DURATION",
        parse=_interval_s,
        default=2,
    )


@command(app)
def top(ctx: Context, *, options: TopOptions) -> Result:
    """Watch queues, deliveries, the DLQ and schedules live.

    Fills the terminal and changes nothing in the account. `q` or Ctrl-C quits.

    \b
    qstash top
    qstash top --interval 10s
    """
    if ctx.options.connection.preview is None:
        _require_terminal(ctx)
    later = f"repeated every {format_duration(options.interval)}"
    return ctx.perform(_requests(), lambda _send: _watch(ctx, options.interval), later=later)


def _require_terminal(ctx: Context) -> None:
    """Raises `BadInput` if the view cannot be drawn or no key can be read."""
    streams, hint = ctx.streams, "use `qstash logs --follow` or `qstash check` in scripts"
    if ctx.options.output.format not in {None, "table"} or ctx.options.output.query is not None:
        raise BadInput("top has no output format", hint=hint)
    if not streams.out_is_terminal:
        raise BadInput("top needs a terminal: standard output is not a terminal", hint=hint)
    if not streams.stdin_is_terminal:
        raise BadInput("top needs a terminal: standard input is not a terminal", hint=hint)
    if ctx.system.env.get("TERM") == "dumb":
        raise BadInput("top needs a terminal that can move the cursor: TERM=dumb", hint=hint)


def _log() -> Request[LogEntry]:
    return logs.entries(Filter(), page=_LOG_ENTRIES, with_bodies=False)


def _requests() -> list[Planned]:
    return [
        queues.list_all(),
        flow.list_all(),
        dlq.first_page(Filter()),
        _log(),
        schedules.list_all(),
    ]


def _snapshot(ctx: Context) -> Snapshot:
    from qstash_cli.output.dashboard import Snapshot

    client = ctx.client
    dead = client.send(dlq.first_page(Filter()))
    return Snapshot(
        queues=client.send(queues.list_all()),
        flow_keys=client.send(flow.list_all()),
        dlq_count=len(dead["messages"]),
        has_more_in_dlq=bool(dead.get("cursor")),
        log=list(islice(client.pages(_log()), _LOG_ENTRIES)),
        schedules=client.send(schedules.list_all()),
    )


def _watch(ctx: Context, interval_s: int) -> Result:
    from qstash_cli.output.dashboard import Dashboard

    empty = Dashboard(account=ctx.account, interval_s=interval_s)
    with unwinding(), _full_screen(ctx) as (draw, key_within):
        _run(ctx, empty, draw, key_within)
    return Result(data=[], view=RAW, text="")


@contextmanager
def _full_screen(ctx: Context) -> Iterator[tuple[Callable[[Dashboard], None], KeyWithin]]:
    """Yields functions that draw a dashboard and read keys. Ctrl-C ends the block."""
    from qstash_cli.output.dashboard import full_screen

    streams = ctx.streams
    try:
        with (
            ctx.live_line.taken(),
            reading_keys(streams.stdin, ctx.system.sleep) as key_within,
            full_screen(streams.out, ctx.out_terminal()) as draw,
        ):
            yield draw, key_within
    except KeyboardInterrupt:
        return


def _run(
    ctx: Context,
    dashboard: Dashboard,
    draw: Callable[[Dashboard], None],
    key_within: KeyWithin,
) -> None:
    """Refreshes until the user quits. Raises `BadCredentials` of the first refresh."""
    now, interval_s = ctx.system.now, dashboard.interval_s
    outcome, refresh_at = _started(partial(_snapshot, ctx)), now() + interval_s
    is_fetching, drawn_at = True, 0.0
    while True:
        if is_fetching and not outcome.empty():
            is_fetching, drawn_at = False, 0.0
            dashboard = _updated(dashboard, outcome.get())
        if not is_fetching and now() >= refresh_at:
            outcome, refresh_at = _started(partial(_snapshot, ctx)), now() + interval_s
            is_fetching = True
        # Ages grow between refreshes, and the terminal may have another size.
        if abs(now() - drawn_at) >= 1:
            draw(dashboard)
            drawn_at = now()
        if key_within(_SLICE_S) in _QUIT:
            return


def _updated(dashboard: Dashboard, outcome: Snapshot | Exception) -> Dashboard:
    if not isinstance(outcome, Exception):
        return dashboard._replace(snapshot=outcome, error="")
    is_first = dashboard.snapshot is None and not dashboard.error
    if not isinstance(outcome, QstashError) or (is_first and isinstance(outcome, BadCredentials)):
        raise outcome
    return dashboard._replace(error=outcome.message)


def _started(fetch: Callable[[], Snapshot]) -> _Outcome:
    """Fetches in the background, so that a slow response delays no key."""
    from threading import Thread

    outcome: _Outcome = SimpleQueue()

    def run() -> None:
        try:
            outcome.put(fetch())
        except Exception as fault:  # noqa: BLE001 - raised again or displayed by the caller
            outcome.put(fault)

    # A run that the user has ended does not wait for the response.
    Thread(target=run, daemon=True).start()
    return outcome

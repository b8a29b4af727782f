"""`qstash logs`: list, group, count, follow and forward log entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import logs as api
from qstash_cli.client.api.filters import Filter
from qstash_cli.commands.common import local_delivery as delivering
from qstash_cli.commands.common.filters import LogFilters
from qstash_cli.commands.common.paging import MORE_PAGES, LimitedList, PagingOptions
from qstash_cli.commands.common.stream_queries import validate_query_of_stream
from qstash_cli.commands.common.views import LOG, matching
from qstash_cli.commands.logs.follow import Log, follow
from qstash_cli.commands.logs.mirror import MIRRORED, OUTCOMES, mirrored
from qstash_cli.commands.logs.statistics import STATISTICS, statistics
from qstash_cli.commands.logs.timelines import (
    TIMELINES,
    timeline,
    timelines,
    timelines_as_completed,
)
from qstash_cli.errors import BadInput
from qstash_cli.output.columns import validate_columns
from qstash_cli.output.json_text import compact
from qstash_cli.output.result import Result, View

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

app = group()

_OTLP = "otlp"
# The columns depend on the options, and are validated with them.
_FORMS = View(columns=(), id="messageId", forms=(_OTLP,))
_REPEATED = "repeated every second for new entries"


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """How to group the entries."""

    follow: bool = flag("Keep printing new entries, oldest first", "-f", "--follow")
    by_message: bool = flag("One row per message, with its steps; JSON has no bodies")
    stats: bool = flag("Statistics of the matching entries: states, failures, delivery times")


@dataclass(frozen=True, kw_only=True)
class ForwardOptions(delivering.HandlerOptions):
    """The handler to forward deliveries to."""

    to: str | None = flag(
        "URL to deliver to; --follow repeats each delivery there",
        metavar="URL",
        section="Delivery",
        old_names=("--forward-to",),
    )


@command(app, view=_FORMS)
def logs(
    ctx: Context,
    *,
    filters: LogFilters,
    paging: PagingOptions,
    options: LogOptions,
    forwarding: ForwardOptions,
) -> Result:
    """List what happened to messages, newest first.

    --follow --to forwards deliveries to a handler on this machine. Each attempt is
    forwarded once, in order, newly signed, and printed with the handler's response. Forwarding
    needs the signing key and a read-only token, and reports what it cannot forward. By default, it
    forwards the final entry of each attempt; --state selects other entries.

    -o otlp writes traces of the newest messages for an OpenTelemetry collector.

    \b
    qstash logs --label nightly --state failed --since 2h
    qstash logs --by-message --since 1h
    qstash logs --stats --since 1d
    qstash logs --follow -o jsonl
    qstash logs --since 1h --all -o otlp > traces.json
    qstash logs --follow --to http://127.0.0.1:3000/hook
    """
    criteria = filters.filter()
    view = _view(options, forwarding)
    if ctx.options.output.columns is not None:
        validate_columns(ctx.options.output.columns, view)
    if ctx.options.output.format == _OTLP:
        return _traces(ctx, criteria, paging, options)
    if forwarding.to is not None:
        validate_query_of_stream(ctx, "--follow")
        return _mirror(ctx, criteria, forwarding.to, forwarding)
    if options.follow:
        validate_query_of_stream(ctx, "--follow")
        records = _followed(ctx, criteria)
        result = Result(data=records, view=view, live=True)
        return ctx.perform([api.entries(criteria)], lambda _send: result, later=_REPEATED)
    if options.stats:
        return _statistics(ctx, criteria, view)
    if options.by_message:
        return _by_message(ctx, criteria, paging)
    size = api.PAGE if paging.all else min(paging.limit + 1, api.PAGE)

    def listed(entries: Iterator[LogEntry]) -> Result:
        page = LimitedList(entries, paging)
        return Result(data=page, view=matching(view, criteria), footer=page.footer)

    later = MORE_PAGES if paging.all else ""
    return ctx.fetch_pages(api.entries(criteria, page=size), listed, later=later)


def _traces(ctx: Context, criteria: Filter, paging: PagingOptions, options: LogOptions) -> Result:
    if options.follow or options.stats:
        name = "--follow" if options.follow else "--stats"
        raise BadInput(f"{name} and -o {_OTLP} cannot be combined", hint=f"remove {name}")
    from qstash_cli import __version__
    from qstash_cli.protocol.otlp import resource_spans

    if paging.all and not criteria.states:
        found = timelines_as_completed(ctx.read_pages(api.entries(criteria, with_bodies=False)))
    else:
        found = _messages(ctx, criteria, paging)
    page = LimitedList(found, paging)

    def pieces() -> Iterator[str]:
        messages = (cast("list[LogEntry]", one["entries"]) for one in page)
        yield '{"resourceSpans":['
        for number, one in enumerate(resource_spans(messages, __version__)):
            yield f"{',' if number else ''}{compact(one)}"
        yield "]}"

    return Result(data=(), view=_FORMS, forms={_OTLP: pieces()}, footer=page.footer)


def _statistics(ctx: Context, criteria: Filter, view: View) -> Result:
    def counted(entries: Iterator[LogEntry]) -> Result:
        from qstash_cli.commands.logs.charts import statistics_screen

        found = statistics(entries)
        return Result(data=found.record, view=view, screen=lambda: statistics_screen(found))

    request = api.entries(criteria, with_bodies=False)
    return ctx.fetch_pages(request, counted, later=MORE_PAGES)


def _by_message(ctx: Context, criteria: Filter, paging: PagingOptions) -> Result:
    page = LimitedList(_messages(ctx, criteria, paging), paging)
    view = matching(TIMELINES, criteria, "messages")
    result = Result(data=page, view=view, footer=page.footer)
    later = MORE_PAGES
    if criteria.states:
        later += ", then the log of each message"
    return ctx.perform(
        [api.entries(criteria, with_bodies=False)], lambda _send: result, later=later
    )


def _view(options: LogOptions, forwarding: ForwardOptions) -> View:
    chosen = [name for name in ("follow", "by_message", "stats") if getattr(options, name)]
    if len(chosen) > 1:
        both = " and ".join(f"--{name.replace('_', '-')}" for name in chosen)
        raise BadInput(f"{both} cannot be combined", hint="choose one of them")
    if forwarding.to is not None:
        if not options.follow:
            raise BadInput(
                "--to requires --follow",
                hint="`qstash replay` delivers what is in the log already",
            )
        return MIRRORED
    return STATISTICS if options.stats else TIMELINES if options.by_message else LOG


def _mirror(ctx: Context, criteria: Filter, to: str, handler: delivering.HandlerOptions) -> Result:
    url = delivering.handler_url(to, "--to")
    delivering.confirm_delivery(ctx, url, handler)
    sign = delivering.signer(ctx)
    chosen = criteria._replace(states=criteria.states or OUTCOMES)
    records = mirrored(
        _followed(ctx, chosen),
        lambda one: delivering.deliver(sign(one), url, handler.timeout),
        ctx.warn,
    )
    result = Result(data=records, view=MIRRORED, live=True)
    later = f"{_REPEATED}; each is delivered to {url}"
    return ctx.perform([api.entries(chosen)], lambda _send: result, later=later)


def _followed(ctx: Context, criteria: Filter) -> Iterator[LogEntry]:
    def since(start_ms: int) -> list[LogEntry]:
        return list(ctx.read_pages(api.entries(criteria._replace(from_ms=start_ms))))

    def newest_ms() -> int:
        first = next(ctx.read_pages(api.entries(criteria, page=1, with_bodies=False)), None)
        return first["time"] if first else 0

    log = Log(since=since, newest_ms=newest_ms, sleep=ctx.system.sleep, note=ctx.note)
    return follow(log, criteria.from_ms)


def _messages(ctx: Context, criteria: Filter, paging: PagingOptions) -> Iterator[dict[str, object]]:
    if not criteria.states:
        limit = None if paging.all else paging.limit + 1
        yield from timelines(ctx.read_pages(api.entries(criteria, with_bodies=False)), limit)
        return
    # The state selects messages, whose other entries have other states.
    matching_entries = ctx.read_pages(api.entries(criteria, with_bodies=False))
    for message_id in dict.fromkeys(entry["messageId"] for entry in matching_entries):
        request = api.entries(Filter(message_ids=(message_id,)), with_bodies=False)
        yield timeline(list(ctx.read_pages(request)))

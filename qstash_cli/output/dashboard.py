"""The full-screen view of an account: what `qstash top` draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple, TextIO

from qstash_cli.output.result import Column, Record, Result, View
from qstash_cli.output.safe import safe_text
from qstash_cli.output.shorten import shorten
from qstash_cli.output.states import state_style
from qstash_cli.output.table import write_table
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.values import relative_time, short_time, span
from qstash_cli.protocol.records import FlowControl, LogEntry, Queue, Schedule

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

# Narrower terminals have one column of sections.
_TWO_COLUMNS_FROM = 100
_GUTTER = 3
# The title, the totals, and the last line.
_FRAME_LINES = 3
# An empty line, the title and the header of a table.
_SECTION_LINES = 3


class Snapshot(NamedTuple):
    """What QStash reports at one moment. `log` is newest first.

    `has_more_in_dlq` means that `dlq_count` is a lower limit.
    """

    queues: Sequence[Queue]
    flow_keys: Sequence[FlowControl]
    dlq_count: int
    has_more_in_dlq: bool
    log: Sequence[LogEntry]
    schedules: Sequence[Schedule]


class Dashboard(NamedTuple):
    """What is displayed. Without a snapshot, nothing has been received; `error` may be empty."""

    account: str
    interval_s: int
    snapshot: Snapshot | None = None
    error: str = ""


class _Section(NamedTuple):
    title: str
    view: View
    rows: Sequence[Record]


_STATE = Column(name="state", of="state", format="state")
_QUEUES = View(
    columns=(
        Column(name="queue", of="name"),
        Column(name="lag", of="lag"),
        Column(name="parallel", of="parallelism"),
        _STATE,
    ),
    id="queue",
)
_FLOW_KEYS = View(
    columns=(
        Column(name="key", of="key"),
        Column(name="waiting", of="waiting"),
        Column(name="parallel", of="parallel"),
        Column(name="rate", of="rate"),
        _STATE,
    ),
    id="key",
)
_DELIVERIES = View(
    columns=(
        _STATE,
        Column(name="code", of="status"),
        Column(name="destination", of="destination", format="url"),
        Column(name="age", of="age"),
    ),
    id="messageId",
)
_SCHEDULES = View(
    columns=(
        Column(name="next", of="next"),
        Column(name="cron", of="cron", is_optional=True),
        Column(name="destination", of="destination", format="url"),
    ),
    id="scheduleId",
)


@contextmanager
def full_screen(out: TextIO, terminal: TerminalInfo) -> Iterator[Callable[[Dashboard], None]]:
    """Yields a function that draws a dashboard, and restores the screen at the end."""
    from rich.console import Console
    from rich.live import Live

    console = Console(
        file=out,
        color_system="standard" if terminal.colour else None,
        no_color=not terminal.colour,
        force_terminal=True,
        force_jupyter=False,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
    with Live(
        console=console, screen=True, auto_refresh=False,
        redirect_stdout=False, redirect_stderr=False,
    ) as live:  # fmt: skip

        def draw(shown: Dashboard) -> None:
            width, height = console.size
            live.update(dashboard(shown, terminal._replace(width=width), height), refresh=True)

        yield draw


def dashboard(shown: Dashboard, terminal: TerminalInfo, height: int) -> RenderableType:
    """Returns the view for a terminal of this width and height, in lines. Pure."""
    from rich.console import Group
    from rich.table import Table

    lines = max(height - _FRAME_LINES, 0)
    sections = [] if shown.snapshot is None else _sections(shown.snapshot, terminal)
    body: Table | Text
    if terminal.width < _TWO_COLUMNS_FROM or not sections:
        body = _stack(sections, terminal, lines)
    else:
        deliveries, *others = sections
        left_width = (terminal.width - _GUTTER) // 2
        right_width = terminal.width - _GUTTER - left_width
        body = Table.grid(padding=0)
        body.add_column(width=left_width + _GUTTER, no_wrap=True)
        body.add_column(width=right_width, no_wrap=True)
        body.add_row(
            _stack(others, terminal._replace(width=left_width), lines),
            _stack([deliveries], terminal._replace(width=right_width), lines),
        )
    return Group(*_top_lines(shown, terminal), body, _last_line(shown, terminal))


def _top_lines(shown: Dashboard, terminal: TerminalInfo) -> tuple[Text, Text]:
    from rich.text import Text

    now, title = terminal.now(), "qstash top"
    time = short_time(now, now, terminal.time_zone)
    room = terminal.width - len(title) - len(time) - 4
    account = shorten(safe_text(shown.account), room, "end", terminal.cut_mark)
    first = _line((title, "bold"), (time, ""), (account, "dim"))
    if shown.snapshot is None:
        return first, Text("" if shown.error else "loading")
    found = shown.snapshot
    waiting = sum(queue["lag"] for queue in found.queues)
    count = f"{found.dlq_count}{'+' if found.has_more_in_dlq else ''}"
    dead = f"{_symbol('FAILED', terminal)}DLQ {count}" if found.dlq_count else "DLQ empty"
    return first, _line(
        (dead, "bold red" if found.dlq_count else "green"), (f"queued {waiting}", "")
    )


def _last_line(shown: Dashboard, terminal: TerminalInfo) -> Text:
    if not shown.error:
        return _line((f"q quits, refreshed every {span(shown.interval_s)}", "dim"))
    text = f"{_symbol('FAILED', terminal)}{safe_text(shown.error)}"
    ending = "; retrying"
    room = terminal.width - len(ending)
    return _line((shorten(text, room, "end", terminal.cut_mark) + ending, "red"))


def _line(*parts: tuple[str, str]) -> Text:
    from rich.text import Text

    line = Text(no_wrap=True, overflow="crop")
    for text, style in parts:
        line.append("  " if line else "").append(text, style)
    return line


def _symbol(state: str, terminal: TerminalInfo) -> str:
    return f"{state_style(state).symbol} " if terminal.has_blocks else ""


def _stack(sections: Sequence[_Section], terminal: TerminalInfo, lines: int) -> Text:
    """Returns sections below each other, with as many rows as fit into the lines."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="crop")
    for (title, view, rows), count in _shared_rows(sections, lines):
        total = f"{count} of {len(rows)}" if count < len(rows) else str(len(rows))
        text.append(f"\n{title}", "bold").append(f"  {total if rows else 'none'}\n", "dim")
        if rows:
            out = StringIO()
            write_table(Result(data=rows[:count], view=view), out, terminal)
            text.append_text(Text.from_ansi(out.getvalue().rstrip("\n"))).append("\n")
    text.rstrip()
    # The rest is empty, so that the last line is at the bottom.
    return text.append("\n" * max(lines - text.plain.count("\n") - 1, 0))


def _shared_rows(sections: Sequence[_Section], lines: int) -> list[tuple[_Section, int]]:
    """Returns the sections for which there is room, each with its number of rows.

    The rows are shared equally; what a short section leaves goes to the others.
    """
    shown: list[_Section] = []
    for section in sections:
        least = _SECTION_LINES + 1 if section.rows else _SECTION_LINES - 1
        if lines < least:
            break
        lines -= least
        shown.append(section)
    counts = [min(len(section.rows), 1) for section in shown]
    while lines and any(n < len(s.rows) for n, s in zip(counts, shown, strict=True)):
        for i, section in enumerate(shown):
            if lines and counts[i] < len(section.rows):
                counts[i] += 1
                lines -= 1
    return list(zip(shown, counts, strict=True))


def _sections(found: Snapshot, terminal: TerminalInfo) -> list[_Section]:
    now = terminal.now()
    return [
        _Section("Deliveries", _DELIVERIES, _deliveries(found.log, now)),
        _Section("Queues", _QUEUES, [_queue(one) for one in _by_need(found.queues)]),
        _Section("Flow control", _FLOW_KEYS, [_flow_key(one) for one in found.flow_keys]),
        _Section("Schedules", _SCHEDULES, _upcoming(found.schedules, now)),
    ]


def _by_need(queues: Sequence[Queue]) -> list[Queue]:
    return sorted(queues, key=lambda queue: (-queue["lag"], queue["name"]))


def _queue(queue: Queue) -> Record:
    return {**queue, "state": _state(is_paused=queue["paused"])}


def _flow_key(key: FlowControl) -> Record:
    return {
        "key": key["flowControlKey"],
        "waiting": key["waitListSize"],
        "parallel": _used(key.get("parallelismCount"), key.get("parallelismMax")),
        "rate": _used(key.get("rateCount"), key.get("rateMax")),
        "state": _state(is_paused=bool(key.get("isPaused"))),
    }


def _used(count: int | None, limit: int | None) -> str:
    return f"{count or 0}/{limit}" if limit else ""


def _state(*, is_paused: bool) -> str:
    return "PAUSED" if is_paused else "RUNNING"


def _deliveries(log: Sequence[LogEntry], now: float) -> list[Record]:
    """Returns the newest state of each message, with the newest status code of its responses."""
    newest: dict[str, LogEntry] = {}
    statuses: dict[str, int] = {}
    for entry in log:
        newest.setdefault(entry["messageId"], entry)
        if status := entry.get("responseStatus"):
            statuses.setdefault(entry["messageId"], status)
    return [
        {
            "state": entry["state"],
            "status": statuses.get(message_id),
            "age": relative_time(entry["time"] / 1000, now).removesuffix(" ago"),
            "destination": entry.get("url") or entry.get("topicName"),
        }
        for message_id, entry in newest.items()
    ]


def _upcoming(schedules: Sequence[Schedule], now: float) -> list[Record]:
    """Returns the schedules in the order of their next runs, paused ones last."""

    def next_ms(schedule: Schedule) -> float:
        at_ms = None if schedule.get("isPaused") else schedule.get("nextScheduleTime")
        return float("inf") if at_ms is None else at_ms

    def row(schedule: Schedule) -> Mapping[str, object]:
        at_s = next_ms(schedule) / 1000
        unknown = "paused" if schedule.get("isPaused") else ""
        return {**schedule, "next": relative_time(at_s, now) or unknown}

    return [row(schedule) for schedule in sorted(schedules, key=next_ms)]

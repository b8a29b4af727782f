"""The screen of `qstash logs --stats`: charts of the log's statistics."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from qstash_cli.commands.logs.statistics import LogStatistics, Statistics
from qstash_cli.output import charts
from qstash_cli.output.blocks import Block, Chart, Listing, Paragraph, Section
from qstash_cli.output.result import Column, View
from qstash_cli.output.values import span

_FAILING = View(
    columns=(
        Column(name="failed", of="failed"),
        Column(name="destination", of="destination", format="url"),
    ),
    id="destination",
)
_DURATIONS = View(
    columns=(
        Column(name="duration of", of="name"),
        *(Column(name=name, of=name) for name in ("p50", "p90", "p99", "max")),
    ),
    id="name",
)


def statistics_screen(found: LogStatistics) -> Iterator[Block]:
    """Yields the states as bars, failing destinations, deliveries over time and durations."""
    record = found.record
    entries, messages = record["entries"], record["messages"]
    if not entries:
        yield Paragraph("no log entries")
        return
    yield Paragraph(f"{_count(entries, 'entry', 'entries')} of {_count(messages, 'message')}")
    yield Section("States")
    yield Chart(partial(charts.state_bars, record["states"]))
    if record["failing"]:
        yield Section("Failures by destination")
        yield Listing(record["failing"], _FAILING)
    if found.delivered_ms:
        yield Section("Deliveries over time", _count(len(found.delivered_ms), "delivery"))
        yield Chart(partial(charts.sparkline, found.delivered_ms, found.from_ms, found.to_ms))
    durations = list(_durations(record))
    if durations:
        yield Section("Durations")
        yield Listing(durations, _DURATIONS)


def _durations(record: Statistics) -> Iterator[dict[str, str]]:
    for name, spread in (("delivery", record["deliveryMs"]), ("attempt", record["attemptMs"])):
        if spread:
            yield {"name": name} | {p: _duration(ms) for p, ms in spread.items() if p != "count"}


def _duration(milliseconds: int) -> str:
    if 0 <= milliseconds < 1000:
        return f"{milliseconds}ms"
    return f"{milliseconds / 1000:g}s" if milliseconds < 60_000 else span(milliseconds / 1000)


def _count(number: int, one: str, many: str = "") -> str:
    plural = many or (f"{one[:-1]}ies" if one.endswith("y") else f"{one}s")
    return f"{number} {one if number == 1 else plural}"

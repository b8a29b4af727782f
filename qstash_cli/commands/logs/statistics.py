"""Calculates statistics of log entries: states, failing destinations and durations."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from qstash_cli.output.result import Column, Record, View
from qstash_cli.protocol.states import STATES, normal_state

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

_PERCENTILES = (50, 90, 99)
_MAX_DESTINATIONS = 10
_ENDS_OF_AN_ATTEMPT = ("DELIVERED", "RETRY", "ERROR", "FAILED")


class FailingDestination(TypedDict):
    """The number of failed messages of a destination."""

    destination: str
    failed: int


class Statistics(TypedDict):
    """Statistics of log entries. `states` counts entries; spreads are percentiles in ms."""

    entries: int
    messages: int
    states: dict[str, int]
    failing: list[FailingDestination]
    deliveryMs: dict[str, int]
    attemptMs: dict[str, int]


class LogStatistics(NamedTuple):
    """Statistics, the times of the deliveries, and the period of all entries, in unix ms."""

    record: Statistics
    delivered_ms: Sequence[int]
    from_ms: int
    to_ms: int


def statistics(entries: Iterable[LogEntry]) -> LogStatistics:
    """Returns the statistics of entries in newest-first order. Durations are in ms.

    `delivery` is the time from a message's creation to its delivery, `attempt` the time from the
    start of an attempt to the response. Keeps one number per delivery, not the entries.
    """
    states: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    messages: set[str] = set()
    deliveries, attempts, delivered_ms = array("q"), array("q"), array("q")
    from_ms = to_ms = 0
    delivered_at: dict[str, int] = {}
    responded_at: dict[str, int] = {}
    for entry in entries:
        message_id, state, time = entry["messageId"], normal_state(entry["state"]), entry["time"]
        from_ms, to_ms = min(from_ms or time, time), max(to_ms, time)
        states[state] += 1
        messages.add(message_id)
        if state == "FAILED":
            failed[str(entry.get("url") or "")] += 1
        if state == "DELIVERED":
            delivered_at[message_id] = time
            delivered_ms.append(time)
        if state in _ENDS_OF_AN_ATTEMPT:
            responded_at[message_id] = time
        if state == "ACTIVE" and message_id in responded_at:
            attempts.append(responded_at.pop(message_id) - time)
        if state == "CREATED" and message_id in delivered_at:
            deliveries.append(delivered_at.pop(message_id) - time)
    record: Statistics = {
        "entries": states.total(),
        "messages": len(messages),
        "states": {state: states[state] for state in STATES if states[state]},
        "failing": [
            {"destination": url, "failed": count}
            for url, count in failed.most_common(_MAX_DESTINATIONS)
        ],
        "deliveryMs": _spread(deliveries),
        "attemptMs": _spread(attempts),
    }
    return LogStatistics(record, delivered_ms, from_ms, to_ms)


def _spread(times_ms: array[int]) -> dict[str, int]:
    if not times_ms:
        return {}
    ordered = sorted(times_ms)
    # Nearest rank: the result is a measured time, never one between two.
    ranks = {f"p{p}": ordered[-(-p * len(ordered) // 100) - 1] for p in _PERCENTILES}
    return {"count": len(ordered), **ranks, "max": ordered[-1]}


def _rows(record: Record) -> Iterator[dict[str, object]]:
    yield from _shares("state", record["states"].items(), record["entries"])
    failing = [(one["destination"], one["failed"]) for one in record["failing"]]
    yield from _shares("failed", failing, sum(count for _, count in failing))
    for kind in ("deliveryMs", "attemptMs"):
        spread = {name: ms for name, ms in record[kind].items() if name != "count"}
        yield from _shares(kind, spread.items(), spread.get("max", 0))


def _shares(
    kind: str, counts: Iterable[tuple[str, int]], whole: int
) -> Iterator[dict[str, object]]:
    for name, count in counts:
        yield {"kind": kind, "name": name, "value": count, "share": count / whole if whole else 0}


STATISTICS = View(
    columns=(
        Column(name="kind", of="kind"),
        Column(name="value", of="value"),
        Column(name="name", of="name"),
        Column(name="share", of="share", format="share", where="tables"),
    ),
    id="name",
    rows=_rows,
    empty="no log entries",
)

"""Groups log entries by message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from qstash_cli.output.result import Column, Record, View
from qstash_cli.output.values import span
from qstash_cli.protocol.states import normal_state

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

_FIRST = "CREATED"
_OF_THE_MESSAGE = ("messageId", "url", "topicName", "queueName", "scheduleId", "labels")


def timelines(entries: Iterable[LogEntry], limit: int | None) -> Iterator[dict[str, object]]:
    """Yields up to `limit` messages, newest first, from entries in newest-first order.

    The entries of a message are in order, oldest first. A message is yielded after its first entry
    was seen, or at the end of the log.
    """
    gathered: dict[str, list[LogEntry]] = {}
    for entry in entries:
        message_id = entry["messageId"]
        if message_id not in gathered and limit is not None and len(gathered) == limit:
            if all(_is_whole(known) for known in gathered.values()):
                break
            continue
        gathered.setdefault(message_id, []).append(entry)
    yield from (timeline(known) for known in gathered.values())


def timelines_as_completed(entries: Iterable[LogEntry]) -> Iterator[dict[str, object]]:
    """Yields each message when its first entry was seen, from entries in newest-first order.

    Keeps only the messages in progress. Messages without a first entry come at the end.
    """
    gathered: dict[str, list[LogEntry]] = {}
    # Entries of the same millisecond may be in any order.
    whole: dict[str, None] = {}
    at_ms: int | None = None
    for entry in entries:
        if entry["time"] != at_ms:
            yield from (timeline(gathered.pop(one)) for one in whole)
            whole.clear()
            at_ms = entry["time"]
        gathered.setdefault(entry["messageId"], []).append(entry)
        if entry["state"] == _FIRST:
            whole[entry["messageId"]] = None
    yield from map(timeline, gathered.values())


def _is_whole(entries: Sequence[LogEntry]) -> bool:
    return entries[-1]["state"] == _FIRST


def timeline(entries: Sequence[LogEntry]) -> dict[str, object]:
    """Returns the timeline of one message from its entries in newest-first order."""
    newest, oldest = entries[0], entries[-1]
    about = {name: value for name, value in newest.items() if name in _OF_THE_MESSAGE}
    return {
        **about,
        "state": normal_state(newest["state"]),
        "startedAt": oldest["time"],
        "durationMs": newest["time"] - oldest["time"],
        "entries": list(reversed(entries)),
    }


def _steps(record: Record) -> str:
    steps: list[str] = []
    before_ms = record["startedAt"]
    for entry in record["entries"]:
        passed_ms = entry["time"] - before_ms
        before_ms = entry["time"]
        status = f" {entry['responseStatus']}" if entry.get("responseStatus") else ""
        step = f"{normal_state(entry['state'])}{status}"
        steps.append(f"{step} +{_brief(passed_ms)}" if steps else step)
    return ", ".join(steps)


def _brief(passed_ms: int) -> str:
    return f"{passed_ms}ms" if passed_ms < 1000 else span(round(passed_ms / 1000))


TIMELINES = View(
    columns=(
        Column(name="startedAt", of="startedAt", format="instant_ms", header="STARTED"),
        Column(name="messageId", of="messageId", format="id"),
        Column(name="state", of="state", format="state"),
        Column(name="steps", of=_steps),
        Column(name="destination", of=lambda r: r.get("topicName") or r.get("url"), format="url"),
    ),
    id="messageId",
    empty="no log entries",
    noun=("message", "messages"),
)

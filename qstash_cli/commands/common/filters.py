"""Options that select messages, log entries and DLQ entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qstash_cli.cli.flags import flag
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.api.workflows import RunFilter
from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.instants import parse_past_instant_s
from qstash_cli.protocol.states import parse_state

SECTION = "Filters"


def nonempty(text: str) -> str:
    """Returns a text unchanged. Raises `BadInput` for a blank one."""
    if not text.strip():
        raise BadInput("it is empty", hint="nothing was sent")
    return text


def filter_flag(
    text: str, metavar: str, parse: Callable[[str], Any] = nonempty, complete: str = ""
) -> Any:
    """Returns a dataclass field for a filter that may be given several times."""
    return flag(
        text, metavar=metavar, repeats=True, parse=parse, section=SECTION, complete=complete
    )


def since_flag() -> Any:
    """Returns a dataclass field for the start of a time range in unix milliseconds."""
    return flag(
        "Start of the time range, such as 1h or 2026-11-24T13:00Z",
        metavar="TIME",
        parse_at=_past_ms,
        section=SECTION,
    )


def until_flag() -> Any:
    """Returns a dataclass field for the end of a time range in unix milliseconds."""
    return flag("End of the time range", metavar="TIME", parse_at=_past_ms, section=SECTION)


def validate_range(since_ms: int | None, until_ms: int | None) -> None:
    """Raises `BadInput` for a time range that ends before it starts."""
    if since_ms is not None and until_ms is not None and since_ms > until_ms:
        raise BadInput("--since is after --until", hint="nothing was sent")


def _past_ms(text: str, now: float) -> int:
    return round(parse_past_instant_s(text, now) * 1000)


def _named(what: str) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        items = tuple(item.strip() for item in text.split(","))
        if not all(items):
            raise BadInput(f"an empty {what}: {text!r}", hint="nothing was sent")
        return items

    return read


def _id(text: str) -> str:
    return validate_id(text, "message")


def _state(text: str) -> tuple[str, ...]:
    return tuple(parse_state(item) for item in text.split(","))


def _status(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise BadInput(f"not a status: {text!r}", hint="write a number such as 503")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class MessageFilters:
    """Filters for messages."""

    label: tuple[tuple[str, ...], ...] = filter_flag("Only this label", "LABEL", _named("label"))
    queue: tuple[tuple[str, ...], ...] = filter_flag(
        "Only this queue", "NAME", _named("queue"), complete="queues"
    )
    urlgroup: tuple[tuple[str, ...], ...] = filter_flag(
        "Only this URL group", "NAME", _named("URL group"), complete="urlgroups"
    )
    schedule: tuple[tuple[str, ...], ...] = filter_flag(
        "Only messages of this schedule", "ID", _named("id"), complete="schedules"
    )
    url: tuple[str, ...] = filter_flag("Only this destination", "URL")
    flow_key: tuple[str, ...] = filter_flag(
        "Only this flow control key", "KEY", complete="flow_key"
    )
    caller_ip: tuple[tuple[str, ...], ...] = filter_flag(
        "Only messages published from this IP address", "IP", _named("address")
    )
    since: int | None = since_flag()
    until: int | None = until_flag()

    def filter(self) -> Filter:
        """Returns the filter for the options.

        Raises `BadInput` for a filter that cannot match anything.
        """
        validate_range(self.since, self.until)
        return Filter(
            labels=_flat(self.label),
            queues=_flat(self.queue),
            urlgroups=_flat(self.urlgroup),
            schedules=_flat(self.schedule),
            urls=self.url,
            flow_keys=self.flow_key,
            caller_ips=_flat(self.caller_ip),
            from_ms=self.since,
            to_ms=self.until,
        )


_NAMES = {
    "run_ids": "run",
    "message_ids": "message",
    "states": "state",
    "labels": "label",
    "queues": "queue",
    "urlgroups": "URL group",
    "schedules": "schedule",
    "urls": "URL",
    "statuses": "status",
    "caller_ips": "caller IP",
    "flow_keys": "flow control key",
    "callback_states": "failure callback",
}
# Times up to here are displayed as a distance from now.
_RECENT_S = 2 * 86_400


def filter_text(criteria: Filter | RunFilter, now: float) -> str:
    """Returns a filter as people read it: `status 503 or 504, since 1h`."""
    parts = [
        f"{name} {' or '.join(map(str, values))}"
        for field, name in _NAMES.items()
        if (values := getattr(criteria, field, ()))
    ]
    times = (("since", criteria.from_ms), ("until", criteria.to_ms))
    return ", ".join([*parts, *(f"{n} {_past(ms, now)}" for n, ms in times if ms is not None)])


def _past(at_ms: int, now: float) -> str:
    passed_s = round(now - at_ms / 1000)
    if 0 <= passed_s < _RECENT_S:
        return format_duration(passed_s)
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _flat(values: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return tuple(item for items in values for item in items)


@dataclass(frozen=True, kw_only=True)
class DlqFilters(MessageFilters):
    """Filters for DLQ entries."""

    message: tuple[str, ...] = filter_flag("Only this message", "ID", _id)
    status: tuple[int, ...] = filter_flag(
        "Only this status code of the last response", "STATUS", _status
    )

    def filter(self) -> Filter:
        """Returns the filter for the options."""
        return super().filter()._replace(message_ids=self.message, statuses=self.status)


@dataclass(frozen=True, kw_only=True)
class LogFilters(MessageFilters):
    """Filters for log entries."""

    message: tuple[str, ...] = filter_flag("Only this message", "ID", _id)
    state: tuple[tuple[str, ...], ...] = filter_flag(
        "Only this state", "STATE", _state, complete="states"
    )

    def filter(self) -> Filter:
        """Returns the filter for the options."""
        return super().filter()._replace(message_ids=self.message, states=_flat(self.state))


@dataclass(frozen=True, kw_only=True)
class LabelFilter:
    """A filter by labels."""

    label: tuple[tuple[str, ...], ...] = filter_flag("Only this label", "LABEL", _named("label"))

    def names(self) -> tuple[str, ...]:
        """Returns the labels, or () if none is given."""
        return _flat(self.label)

"""What an account has, from QStash's answers, in the words of a manifest."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from qstash_cli.manifest import marks
from qstash_cli.manifest.resources import (
    DesiredEndpoint,
    Kind,
    Pin,
    Queue,
    Resource,
    Schedule,
    UrlGroup,
)
from qstash_cli.protocol.headers import Headers, canonical_name
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.redaction import is_redacted

if TYPE_CHECKING:
    from qstash_cli.protocol import records

# QStash's names for the options that it shows of a schedule.
SHOWN = {
    "method": "method", "delay_s": "delay", "timeout_s": "timeout", "retries": "retries",
    "retry_delay": "retryDelayExpression", "label": "labels", "flow_key": "flowControlKey",
    "parallelism": "parallelism", "rate": "rate", "period_s": "period", "callback": "callback",
    "failure_callback": "failureCallback", "queue": "queueName",
}  # fmt: skip
# Of these a zero means that there is none.
_LIMITS = ("delay_s", "timeout_s", "parallelism", "rate", "period_s")


@dataclass(frozen=True, kw_only=True)
class StoredSchedule:
    """A schedule as QStash shows it.

    `labels` are all of them, `digest` is that of the hidden options when a manifest wrote it.
    `redacted` names what QStash hides.
    """

    schedule: Schedule
    labels: tuple[str, ...] = ()
    is_managed: bool = False
    digest: str = ""
    redacted: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """All of a managed schedule is shown."""
        own = marks.hidden_digest(self.schedule.options, self.schedule.body)
        return not self.redacted and own == self.digest


@dataclass(frozen=True, kw_only=True)
class Account:
    """What an account has, by name. A kind that was not asked for is empty."""

    queues: Mapping[str, Queue] = field(default_factory=dict)
    flow: Mapping[str, Pin] = field(default_factory=dict)
    urlgroups: Mapping[str, UrlGroup] = field(default_factory=dict)
    schedules: Mapping[str, StoredSchedule] = field(default_factory=dict)

    def of(self, kind: Kind) -> Mapping[str, Resource]:
        """The resources of a kind."""
        match kind:
            case "queue":
                return self.queues
            case "flow":
                return self.flow
            case "urlgroup":
                return self.urlgroups
            case "schedule":
                return {name: stored.schedule for name, stored in self.schedules.items()}


def read_queues(answer: Iterable[records.Queue]) -> dict[str, Queue]:
    """Queues by name."""
    return {
        one["name"]: Queue(parallelism=one["parallelism"], paused=bool(one.get("paused")))
        for one in answer
    }


def read_pins(answer: Iterable[records.FlowControl]) -> dict[str, Pin]:
    """The keys that have something pinned."""
    found = {one["flowControlKey"]: _pin(one) for one in answer}
    return {key: pin for key, pin in found.items() if pin != Pin()}


def _pin(record: Mapping[str, Any]) -> Pin:
    rate = record.get("isPinnedRate") and record.get("rateMax")
    parallelism = record.get("isPinnedParallelism") and record.get("parallelismMax")
    period_s = record.get("ratePeriod") if rate else None
    return Pin(parallelism=parallelism or None, rate=rate or None, period_s=period_s or 1)


def read_urlgroups(answer: Iterable[records.UrlGroup]) -> dict[str, UrlGroup]:
    """URL groups by name."""
    return {
        one["name"]: UrlGroup(
            endpoints=tuple(
                DesiredEndpoint(url=endpoint["url"], name=endpoint.get("name") or "")
                for endpoint in one.get("endpoints") or ()
            ),
            headers=_headers(one.get("headers")),
        )
        for one in answer
    }


def _headers(lists: Mapping[str, Any] | None) -> Headers:
    return tuple(
        (canonical_name(name), str(value))
        for name, values in (lists or {}).items()
        for value in (values if isinstance(values, list) else [values])
    )


def read_schedules(answer: Iterable[records.Schedule]) -> dict[str, StoredSchedule]:
    """Schedules by id."""
    return {record["scheduleId"]: _schedule(record) for record in answer}


def _schedule(record: Mapping[str, Any]) -> StoredSchedule:
    options = _options(record)
    body = _body(record)
    schedule = Schedule(
        destination=record["destination"],
        cron=record["cron"],
        body=body,
        paused=bool(record.get("isPaused")),
        options=replace(options, label=marks.without_marks(options.label)),
    )
    return StoredSchedule(
        schedule=schedule,
        labels=options.label,
        is_managed=marks.MANAGED in options.label,
        digest=marks.digest_in(options.label),
        redacted=_redacted(options, record.get("body") or ""),
    )


def _options(record: Mapping[str, Any]) -> MessageOptions:
    values: dict[str, Any] = {name: record.get(key) for name, key in SHOWN.items()}
    values = {name: None if value == "" else value for name, value in values.items()}
    labels = record.get("labels") or ([record["label"]] if record.get("label") else [])
    values |= {name: values[name] or None for name in _LIMITS} | {"label": tuple(labels)}
    if not values["flow_key"]:
        values |= dict.fromkeys(("flow_key", "parallelism", "rate", "period_s"))
    return MessageOptions(
        **values,
        headers=_headers(record.get("header")),
        on_callback=_family(record.get("callbackHeader")),
        on_failure_callback=_family(record.get("failureCallbackHeader")),
    )


def _family(lists: Mapping[str, Any] | None) -> MessageOptions | None:
    headers = _headers(lists)
    return MessageOptions(headers=headers) if headers else None


def _body(record: Mapping[str, Any]) -> bytes:
    if record.get("bodyBase64"):
        return base64.b64decode(record["bodyBase64"])
    return (record.get("body") or "").encode()


def _redacted(options: MessageOptions, body: str) -> tuple[str, ...]:
    families = (
        ("header", options), ("callback header", options.on_callback),
        ("failure callback header", options.on_failure_callback),
    )  # fmt: skip
    names = [
        f"{what} {name}"
        for what, family in families
        for name, value in (family.headers if family else ())
        if is_redacted(value)
    ]
    return (*(["body"] if is_redacted(body) else []), *names)

"""Reads the resources of an account from QStash's responses."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from qstash_cli.errors import BadInput
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
from qstash_cli.protocol.options import MessageOptions, json_names
from qstash_cli.protocol.redaction import is_redacted

if TYPE_CHECKING:
    from qstash_cli.protocol import records

# The options of a schedule that QStash returns, with their keys in its JSON.
RETURNED_OPTIONS = json_names("schedule")
# For these, zero means not set.
_LIMITS = ("delay_s", "timeout_s", "parallelism", "rate", "period_s")


@dataclass(frozen=True, kw_only=True)
class StoredSchedule:
    """A schedule as returned by QStash.

    `labels` includes the marks. `digest` is the digest of the hidden options at the last apply.
    `redacted` names the redacted fields.
    """

    schedule: Schedule
    labels: tuple[str, ...] = ()
    is_managed: bool = False
    digest: str = ""
    redacted: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether QStash returns every option of the schedule."""
        own = marks.hidden_digest(self.schedule.options, self.schedule.body)
        return not self.redacted and own == self.digest


@dataclass(frozen=True, kw_only=True)
class AccountState:
    """The resources of an account by name. Kinds that were not requested are empty."""

    queues: Mapping[str, Queue] = field(default_factory=dict)
    flow: Mapping[str, Pin] = field(default_factory=dict)
    urlgroups: Mapping[str, UrlGroup] = field(default_factory=dict)
    schedules: Mapping[str, StoredSchedule] = field(default_factory=dict)

    def of(self, kind: Kind) -> Mapping[str, Resource]:
        """Returns the resources of a kind."""
        match kind:
            case "queue":
                return self.queues
            case "flow":
                return self.flow
            case "urlgroup":
                return self.urlgroups
            case "schedule":
                return {name: stored.schedule for name, stored in self.schedules.items()}


def read_queues(response: Iterable[records.Queue]) -> dict[str, Queue]:
    """Returns the queues by name."""
    return {
        one["name"]: Queue(parallelism=one["parallelism"], paused=bool(one.get("paused")))
        for one in response
    }


def read_pins(response: Iterable[records.FlowControl]) -> dict[str, Pin]:
    """Returns the pins of the flow control keys that have any."""
    found = {one["flowControlKey"]: _pin(one) for one in response}
    return {key: pin for key, pin in found.items() if pin != Pin()}


def _pin(record: Mapping[str, Any]) -> Pin:
    rate = record.get("isPinnedRate") and record.get("rateMax")
    parallelism = record.get("isPinnedParallelism") and record.get("parallelismMax")
    period_s = record.get("ratePeriod") if rate else None
    return Pin(parallelism=parallelism or None, rate=rate or None, period_s=period_s or 1)


def read_urlgroups(response: Iterable[records.UrlGroup]) -> dict[str, UrlGroup]:
    """Returns the URL groups by name."""
    return {
        one["name"]: UrlGroup(
            endpoints=tuple(
                DesiredEndpoint(url=endpoint["url"], name=endpoint.get("name") or "")
                for endpoint in one.get("endpoints") or ()
            ),
            headers=_headers(one.get("headers")),
        )
        for one in response
    }


def _headers(lists: Mapping[str, Any] | None) -> Headers:
    return tuple(
        (canonical_name(name), str(value))
        for name, values in (lists or {}).items()
        for value in (values if isinstance(values, list) else [values])
    )


def read_schedules(response: Iterable[records.Schedule]) -> dict[str, StoredSchedule]:
    """Returns the schedules by id."""
    return {record["scheduleId"]: _schedule(record) for record in response}


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
    values: dict[str, Any] = {name: record.get(key) for name, key in RETURNED_OPTIONS.items()}
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
    if not record.get("bodyBase64"):
        # JSON may contain half of a surrogate pair, which QStash has stored as it is.
        return (record.get("body") or "").encode(errors="surrogatepass")
    try:
        return base64.b64decode(record["bodyBase64"], validate=True)
    except ValueError:
        raise BadInput(
            f"schedule {record['scheduleId']}: its body is not valid base64",
            hint="is the URL that of QStash's API?",
        ) from None


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

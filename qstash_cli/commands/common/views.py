"""How people see what QStash answers."""

from __future__ import annotations

from qstash_cli.client.api.filters import Filter
from qstash_cli.output.result import Column, Record, View


def matching(view: View, wanted: Filter, what: str = "entries") -> View:
    """The view of a list that a filter narrows: no match does not mean that there is nothing."""
    return view if wanted.is_empty else view._replace(empty=f"no {what} match")


def _labels(record: Record) -> object:
    return record.get("labels") or ([record["label"]] if record.get("label") else None)


def _destination(record: Record) -> object:
    return record.get("topicName") or record.get("url")


def _used(record: Record, count: str, limit: str) -> str:
    return f"{record.get(count, 0)}/{record[limit]}" if record.get(limit) else ""


def _pinned(record: Record) -> list[str]:
    flags = (("parallelism", "isPinnedParallelism"), ("rate", "isPinnedRate"))
    return [name for name, field in flags if record.get(field)]


def _endpoints(record: Record) -> object:
    return [f"{e['name']} {e['url']}" if e.get("name") else e["url"] for e in record["endpoints"]]


_MESSAGE_ID = Column(name="messageId", of="messageId", width=36)
_URL = Column(name="url", of="url", width=30)
_LABELS = Column(name="labels", of=_labels, format="list", width=8)
_STATUS = Column(name="status", of="responseStatus", width=6)

PUBLISHED = View(
    columns=(
        _MESSAGE_ID,
        _URL,
        Column(name="deduplicated", of="deduplicated"),
        Column(name="scheduleId", of="scheduleId"),
    ),
    id=lambda record: record.get("messageId") or record.get("scheduleId"),
)
RELEASED = View(columns=(_MESSAGE_ID,), id="messageId", empty="no message was released")
MESSAGE = View(
    columns=(
        _MESSAGE_ID,
        _URL,
        Column(name="method", of="method"),
        Column(name="urlGroup", of="topicName"),
        Column(name="endpoint", of="endpointName"),
        Column(name="queue", of="queueName"),
        Column(name="schedule", of="scheduleId"),
        _LABELS,
        Column(name="createdAt", of="createdAt", format="instant_ms"),
        Column(name="notBefore", of="notBefore", format="instant_ms"),
        Column(name="retries", of="maxRetries"),
        Column(name="retryDelay", of="retryDelayExpression"),
        Column(name="flowControlKey", of="flowControlKey"),
        Column(name="callback", of="callback"),
        Column(name="failureCallback", of="failureCallback"),
        Column(name="headers", of="header"),
        Column(name="body", of=lambda r: r.get("body") or r.get("bodyBase64")),
    ),
    id="messageId",
)
LOG = View(
    columns=(
        Column(name="time", of="time", format="instant_ms", width=19),
        Column(name="state", of="state", width=9),
        _MESSAGE_ID,
        _STATUS,
        Column(name="destination", of=_destination, width=30),
        _LABELS,
        Column(name="error", of="error"),
    ),
    id="messageId",
    empty="no log entries",
)
DLQ = View(
    columns=(
        Column(name="dlqId", of="dlqId", width=16),
        Column(name="createdAt", of="createdAt", format="instant_ms"),
        _STATUS,
        Column(name="destination", of=_destination),
        _LABELS,
        _MESSAGE_ID,
        Column(name="responseBody", of=lambda r: r.get("responseBody")),
    ),
    id="dlqId",
    empty="the dead letter queue is empty",
)
DLQ_ENTRY = View(
    columns=(*DLQ.columns[:1], *MESSAGE.columns, _STATUS, *DLQ.columns[-1:]), id="dlqId"
)
SCHEDULE = View(
    columns=(
        Column(name="scheduleId", of="scheduleId"),
        Column(name="cron", of="cron"),
        Column(name="destination", of="destination"),
        Column(name="next", of="nextScheduleTime", format="instant_ms"),
        Column(name="paused", of="isPaused"),
        _LABELS,
        Column(name="queue", of="queueName"),
        Column(name="error", of="error"),
    ),
    id="scheduleId",
    empty="no schedules; `qstash schedule create` makes one",
)
SCHEDULED = View(columns=(Column(name="scheduleId", of="scheduleId"),), id="scheduleId")
QUEUE = View(
    columns=(
        Column(name="name", of="name"),
        Column(name="parallelism", of="parallelism"),
        Column(name="lag", of="lag"),
        Column(name="paused", of="paused"),
        Column(name="updatedAt", of="updatedAt", format="instant_ms"),
    ),
    id="name",
    empty="no queues; `qstash queue set NAME` or a publish with --queue makes one",
)
URL_GROUP = View(
    columns=(
        Column(name="name", of="name"),
        Column(name="endpoints", of=_endpoints, format="list"),
        Column(name="headers", of="headers"),
        Column(name="updatedAt", of="updatedAt", format="instant_ms"),
    ),
    id="name",
    empty="no URL groups; `qstash urlgroup add NAME URL` makes one",
)
FLOW = View(
    columns=(
        Column(name="key", of="flowControlKey"),
        Column(name="waiting", of="waitListSize"),
        Column(name="parallelism", of=lambda r: _used(r, "parallelismCount", "parallelismMax")),
        Column(name="rate", of=lambda r: _used(r, "rateCount", "rateMax")),
        Column(name="period", of="ratePeriod", format="duration_s"),
        Column(name="paused", of="isPaused"),
        Column(name="pinned", of=_pinned, format="list"),
    ),
    id="flowControlKey",
    empty="no flow control keys; a publish with --flow-key makes one",
)
GLOBAL = View(
    columns=(
        Column(name="parallelismCount", of="parallelismCount"),
        Column(name="parallelismMax", of="parallelismMax"),
    ),
    id="parallelismCount",
)
NAMED = View(columns=(Column(name="name", of="name"),), id="name")
DELETED = View(columns=(Column(name="deleted", of="deleted"),), id="deleted")
BULK_ACTION = View(
    columns=(
        Column(name="actionId", of="actionId"),
        Column(name="kind", of="kind"),
        Column(name="state", of="state"),
        Column(name="processed", of="processed"),
        Column(name="total", of="total"),
        Column(name="createdAt", of="createdAt", format="instant_ms"),
        Column(name="filter", of="filter"),
    ),
    id="actionId",
    empty="no bulk actions in the last seven days",
)
IN_STATE = BULK_ACTION._replace(empty="no bulk actions match")
DEAD = View(
    columns=(
        Column(name="url", of="url"),
        Column(name="name", of="name"),
        _STATUS,
        Column(name="error", of="error"),
    ),
    id="url",
    empty="every endpoint answers",
)
KEYS = View(
    columns=(Column(name="current", of="current"), Column(name="next", of="next")), id="current"
)
RAW = View(columns=(), id=lambda _record: None)

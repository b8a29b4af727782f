"""The views of QStash's resources."""

from __future__ import annotations

from qstash_cli.client.api.filters import Filter
from qstash_cli.output.result import Column, Record, View


def matching(view: View, criteria: Filter, what: str = "entries") -> View:
    """Returns the view for a filtered list, which says that no entries match."""
    return view if criteria.is_empty else view._replace(empty=f"no {what} match")


def _labels(record: Record) -> object:
    return record.get("labels") or ([record["label"]] if record.get("label") else None)


def _own_labels(record: Record) -> object:
    from qstash_cli.manifest.marks import without_marks

    return without_marks(tuple(record.get("labels") or [record.get("label") or ""]))


def _next_run(record: Record) -> object:
    return "paused" if record.get("isPaused") else record.get("nextScheduleTime")


def _zone_and_cron(record: Record) -> tuple[str, str]:
    # Only the table of schedules needs it, and every command that publishes imports this module.
    from qstash_cli.protocol.cron import split_zone

    return split_zone(record["cron"])


def _destination(record: Record) -> object:
    return record.get("topicName") or record.get("url")


def _used(record: Record, count: str, limit: str) -> str:
    return f"{record.get(count, 0)}/{record[limit]}" if record.get(limit) else ""


def _pinned(record: Record) -> list[str]:
    flags = (("parallelism", "isPinnedParallelism"), ("rate", "isPinnedRate"))
    return [name for name, field in flags if record.get(field)]


def _endpoints(record: Record) -> object:
    return [f"{e['name']} {e['url']}" if e.get("name") else e["url"] for e in record["endpoints"]]


_MESSAGE_ID = Column(name="messageId", of="messageId", format="id", width=36)
_URL = Column(name="url", of="url", format="url", width=30, header="URL")
_LABELS = Column(name="labels", of=_labels, format="list", width=8, is_optional=True)
_SCHEDULE_ID = Column(name="scheduleId", of="scheduleId", format="id")
# QStash reports 0 if there was no response.
_STATUS = Column(
    name="status", of=lambda r: r.get("responseStatus") or None, width=8, header="RESPONSE"
)
_RESPONSE_BODY = Column(
    name="responseBody", of="responseBody", header="RESPONSE BODY", is_optional=True
)

PUBLISHED = View(
    columns=(
        _MESSAGE_ID,
        _URL,
        Column(name="deduplicated", of="deduplicated"),
        Column(name="scheduleId", of="scheduleId", format="id"),
    ),
    id=lambda record: record.get("messageId") or record.get("scheduleId"),
    noun=("message", "messages"),
)
RELEASED = View(
    columns=(_MESSAGE_ID,),
    id="messageId",
    empty="no message was released",
    noun=("message", "messages"),
)
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
    noun=("message", "messages"),
)
LOG = View(
    columns=(
        Column(name="time", of="time", format="instant_ms", width=8),
        Column(name="state", of="state", format="state", width=11),
        _MESSAGE_ID,
        _STATUS,
        Column(name="destination", of=_destination, format="url", width=30),
        _LABELS,
        Column(name="error", of="error", is_optional=True),
    ),
    id="messageId",
    empty="no log entries",
    noun=("entry", "entries"),
)
DLQ = View(
    columns=(
        Column(name="dlqId", of="dlqId", format="id", width=16, header="DLQ ID"),
        Column(name="createdAt", of="createdAt", format="instant_ms"),
        _STATUS,
        Column(name="destination", of=_destination, format="url"),
        _LABELS,
        _MESSAGE_ID._replace(where="data"),
        _RESPONSE_BODY,
        _MESSAGE_ID._replace(where="tables", is_optional=True),
    ),
    id="dlqId",
    empty="the dead letter queue is empty",
    noun=("entry", "entries"),
)
DLQ_ENTRY = View(columns=(DLQ.columns[0], *MESSAGE.columns, _STATUS, _RESPONSE_BODY), id="dlqId")
SCHEDULE = View(
    columns=(
        _SCHEDULE_ID,
        Column(name="cron", of="cron", where="data"),
        Column(name="cron", of=lambda r: _zone_and_cron(r)[1], where="tables"),
        Column(name="zone", of=lambda r: _zone_and_cron(r)[0], where="tables"),
        Column(name="next", of=_next_run, format="upcoming_ms", where="tables"),
        # The account's URL groups and plan are needed to fill them.
        Column(name="perDay", of=lambda _record: None, where="tables", header="A DAY"),
        Column(name="ofPlan", of=lambda _record: None, where="tables", is_optional=True),
        Column(name="destination", of="destination", format="url"),
        Column(name="next", of="nextScheduleTime", format="instant_ms", where="data"),
        Column(name="paused", of="isPaused", where="data"),
        _LABELS._replace(where="data"),
        _LABELS._replace(of=_own_labels, where="tables"),
        Column(name="queue", of="queueName", is_optional=True),
        Column(name="error", of="error", is_optional=True),
    ),
    id="scheduleId",
    empty="no schedules; `qstash schedule create` makes one",
    noun=("schedule", "schedules"),
)
SCHEDULED = View(
    columns=(Column(name="scheduleId", of="scheduleId", format="id"),), id="scheduleId"
)
QUEUE = View(
    columns=(
        Column(name="name", of="name"),
        Column(name="parallelism", of="parallelism"),
        Column(name="lag", of="lag"),
        Column(name="paused", of="paused", format="flag"),
        Column(name="updatedAt", of="updatedAt", format="instant_ms"),
    ),
    id="name",
    empty="no queues; `qstash queue set NAME` or a publish with --queue makes one",
    noun=("queue", "queues"),
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
    noun=("URL group", "URL groups"),
)
FLOW = View(
    columns=(
        Column(name="key", of="flowControlKey", format="id"),
        Column(name="waiting", of="waitListSize"),
        Column(name="parallelism", of=lambda r: _used(r, "parallelismCount", "parallelismMax")),
        Column(name="rate", of=lambda r: _used(r, "rateCount", "rateMax")),
        Column(name="period", of="ratePeriod", format="duration_s"),
        Column(name="paused", of="isPaused", format="flag"),
        Column(name="pinned", of=_pinned, format="list"),
    ),
    id="flowControlKey",
    empty="no flow control keys; a publish with --flow-key makes one",
    noun=("flow control key", "flow control keys"),
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
        Column(name="actionId", of="actionId", format="id"),
        Column(name="kind", of="kind"),
        Column(name="state", of="state", format="state"),
        Column(name="processed", of="processed"),
        Column(name="total", of="total"),
        Column(name="createdAt", of="createdAt", format="instant_ms"),
        Column(name="filter", of="filter"),
    ),
    id="actionId",
    empty="no bulk actions in the last seven days",
    noun=("bulk action", "bulk actions"),
)
IN_STATE = BULK_ACTION._replace(empty="no bulk actions match")
DEAD = View(
    columns=(
        _URL,
        Column(name="name", of="name"),
        _STATUS,
        Column(name="error", of="error"),
    ),
    id="url",
    empty="every endpoint responds",
)
KEYS = View(
    columns=(Column(name="current", of="current"), Column(name="next", of="next")), id="current"
)
RAW = View(columns=(), id=lambda _record: None)

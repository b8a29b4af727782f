"""Message options: each field defines a flag, a header, a batch key and how the server decodes it.

Source: QStash docs, "Publish a message", header parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal, NamedTuple

from qstash_cli.protocol import value_types
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.value_types import ValueType

Operation = Literal["publish", "enqueue", "batch", "schedule", "dlq_retry"]

_EVERYWHERE: tuple[Operation, ...] = ("publish", "enqueue", "batch", "schedule", "dlq_retry")
_NEW_MESSAGE: tuple[Operation, ...] = ("publish", "enqueue", "batch")
# In a batch, each record has its own id.
_ONE_MESSAGE: tuple[Operation, ...] = ("publish", "enqueue")
_NOT_QUEUED: tuple[Operation, ...] = ("publish", "batch", "schedule")
# `dlq retry` selects entries by label and flow control key: there these flags are filters.
_NOT_RETRIED: tuple[Operation, ...] = ("publish", "enqueue", "batch", "schedule")
_SCHEDULE: tuple[Operation, ...] = ("schedule",)


class CallbackFamily(NamedTuple):
    """The options for the delivery of a callback: `{prefix}-retries` and so on.

    `field` is the field of `MessageOptions` that has their values.
    """

    field: str
    prefix: str
    section: str


CALLBACK_FAMILIES = (
    CallbackFamily("on_callback", "callback", "Callback delivery"),
    CallbackFamily("on_failure_callback", "failure-callback", "Failure callback delivery"),
)


class Option(NamedTuple):
    """The definition of one message option.

    `header` is the name without `Upstash-`; options that share a header are `part=value` pairs in
    it. `callback` means that the option also exists for callbacks, as `Upstash-Callback-...`.
    `complete` is the kind of value that shells complete. `json` is the name in the JSON of
    schedules and, except for `retries` (`maxRetries`), of messages and log entries; empty where
    QStash does not return the option.
    """

    header: str
    kind: ValueType
    help: str
    part: str = ""
    callback: bool = False
    on: tuple[Operation, ...] = _EVERYWHERE
    complete: str = ""
    json: str = ""


def _option(header: str, kind: ValueType, text: str, **more: Any) -> Any:
    option = Option(header=header, kind=kind, help=text, **more)
    return field(default=() if kind.repeats else None, metadata={"option": option})


@dataclass(frozen=True, kw_only=True)
class MessageOptions:
    """How a message is delivered. `None` and `()` leave the choice to QStash.

    `headers` are sent to the destination, except names that start with `Upstash-`, which are for
    QStash. `on_callback` and `on_failure_callback` are the options for delivering the callback.
    Fields ending in `_s` are whole seconds; `not_before_s` is a unix time.
    """

    method: str | None = _option(
        "Method",
        value_types.METHOD,
        "HTTP method of the delivery",
        callback=True,
        complete="method",
        json="method",
    )
    delay_s: int | None = _option(
        "Delay",
        value_types.DURATION,
        "Delay before delivery",
        callback=True,
        on=_NOT_QUEUED,
        json="delay",
    )
    not_before_s: int | None = _option(
        "Not-Before",
        value_types.INSTANT,
        "Time before which the message is not delivered",
        on=("publish", "batch"),
        json="notBefore",
    )
    timeout_s: int | None = _option(
        "Timeout",
        value_types.DURATION,
        "Timeout for the destination's response",
        callback=True,
        json="timeout",
    )
    retries: int | None = _option(
        "Retries",
        value_types.COUNT,
        "Maximum number of retries",
        callback=True,
        json="retries",
    )
    retry_delay: str | None = _option(
        "Retry-Delay",
        value_types.EXPRESSION,
        "Retry delay in milliseconds, as an expression",
        callback=True,
        json="retryDelayExpression",
    )
    dedup_id: str | None = _option(
        "Deduplication-Id",
        value_types.DEDUPLICATION_ID,
        "Deduplication id: QStash drops repeats",
        on=_ONE_MESSAGE,
    )
    dedup_content: bool | None = _option(
        "Content-Based-Deduplication",
        value_types.SWITCH,
        "Deduplicate by content",
        on=_NEW_MESSAGE,
    )
    label: tuple[str, ...] = _option(
        "Label",
        value_types.LABELS,
        "Label for logs and filters (repeatable)",
        on=_NOT_RETRIED,
        json="labels",
    )
    flow_key: str | None = _option(
        "Flow-Control-Key",
        value_types.TEXT,
        "Flow control key, which shares rate and parallelism",
        callback=True,
        on=_NOT_RETRIED,
        complete="flow_key",
        json="flowControlKey",
    )
    parallelism: int | None = _option(
        "Flow-Control-Value",
        value_types.POSITIVE,
        "Maximum concurrent deliveries for the key",
        part="parallelism",
        callback=True,
        on=_NOT_RETRIED,
        json="parallelism",
    )
    rate: int | None = _option(
        "Flow-Control-Value",
        value_types.RATE,
        "Maximum deliveries per period for the key",
        part="rate",
        callback=True,
        on=_NOT_RETRIED,
        json="rate",
    )
    period_s: int | None = _option(
        "Flow-Control-Value",
        value_types.PERIOD,
        "Period of the rate [default: 1s]",
        part="period",
        callback=True,
        on=_NOT_RETRIED,
        json="period",
    )
    redact: tuple[str, ...] = _option(
        "Redact-Fields",
        value_types.REDACT_FIELDS,
        "Fields to redact: body, header (all) or header[Name]",
        on=_NOT_RETRIED,
        complete="redact",
    )
    callback: str | None = _option(
        "Callback",
        value_types.URL,
        "URL that receives the result of every attempt",
        json="callback",
    )
    failure_callback: str | None = _option(
        "Failure-Callback",
        value_types.URL,
        "URL that receives the final failure",
        json="failureCallback",
    )
    queue: str | None = _option(
        "Queue-Name",
        value_types.NAME,
        "Queue for ordered delivery",
        on=_NOT_QUEUED,
        complete="queue",
        json="queueName",
    )
    header_forward: bool | None = _option(
        "Header-Forward", value_types.SWITCH, "Forward all headers unchanged", on=()
    )
    cron: str | None = _option("Cron", value_types.TEXT, "Cron expression", on=_SCHEDULE)
    schedule_id: str | None = _option(
        # The flag is `schedule create --id`.
        "Schedule-Id",
        value_types.NAME,
        "Schedule id; an existing schedule is replaced",
        on=(),
    )
    headers: Headers = ()
    on_callback: MessageOptions | None = None
    on_failure_callback: MessageOptions | None = None


@cache
def table() -> tuple[tuple[str, Option], ...]:
    """Returns the fields of `MessageOptions` that are options, with their definitions, in order."""
    return tuple((f.name, f.metadata["option"]) for f in fields(MessageOptions) if f.metadata)


@cache
def json_names(operation: Operation) -> dict[str, str]:
    """QStash's JSON names of the options of an operation, by field."""
    return {name: one.json for name, one in table() if one.json and operation in one.on}


def flag_name(field: str) -> str:
    """Returns the name of an option on the command line, without its dashes."""
    return field.removesuffix("_s").replace("_", "-")

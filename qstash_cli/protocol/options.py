"""Message options: each field defines a flag, a header, a batch key and how the server decodes it.

Source: QStash docs, "Publish a message", header parameters.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol import value_types
from qstash_cli.protocol.headers import Headers, canonical_name, forwardable, validate_header
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


class Option(NamedTuple):
    """The definition of one message option.

    `header` is the name without `Upstash-`; options that share a header are `part=value` pairs in
    it. `callback` means that the option also exists for callbacks, as `Upstash-Callback-...`.
    `complete` is the kind of value that shells complete.
    """

    header: str
    kind: ValueType
    help: str
    part: str = ""
    callback: bool = False
    on: tuple[Operation, ...] = _EVERYWHERE
    complete: str = ""


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
    )
    delay_s: int | None = _option(
        "Delay", value_types.DURATION, "Delay before delivery", callback=True, on=_NOT_QUEUED
    )
    not_before_s: int | None = _option(
        "Not-Before",
        value_types.INSTANT,
        "Time before which the message is not delivered",
        on=("publish", "batch"),
    )
    timeout_s: int | None = _option(
        "Timeout", value_types.DURATION, "Timeout for the destination's response", callback=True
    )
    retries: int | None = _option(
        "Retries", value_types.COUNT, "Maximum number of retries", callback=True
    )
    retry_delay: str | None = _option(
        "Retry-Delay",
        value_types.EXPRESSION,
        "Retry delay in milliseconds, as an expression",
        callback=True,
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
        "Label", value_types.LABELS, "Label for logs and filters (repeatable)", on=_NOT_RETRIED
    )
    flow_key: str | None = _option(
        "Flow-Control-Key",
        value_types.TEXT,
        "Flow control key, which shares rate and parallelism",
        callback=True,
        on=_NOT_RETRIED,
        complete="flow_key",
    )
    parallelism: int | None = _option(
        "Flow-Control-Value",
        value_types.POSITIVE,
        "Maximum concurrent deliveries for the key",
        part="parallelism",
        callback=True,
        on=_NOT_RETRIED,
    )
    rate: int | None = _option(
        "Flow-Control-Value",
        value_types.POSITIVE,
        "Maximum deliveries per period for the key",
        part="rate",
        callback=True,
        # `batch` has its own --rate, which also limits how fast it sends.
        on=("publish", "enqueue", "schedule"),
    )
    period_s: int | None = _option(
        "Flow-Control-Value",
        value_types.PERIOD,
        "Period of the rate [default: 1s]",
        part="period",
        callback=True,
        on=_NOT_RETRIED,
    )
    redact: tuple[str, ...] = _option(
        "Redact-Fields",
        value_types.REDACT_FIELDS,
        "Fields to redact: body, header (all) or header[Name]",
        on=_NOT_RETRIED,
        complete="redact",
    )
    callback: str | None = _option(
        "Callback", value_types.URL, "URL that receives the result of every attempt"
    )
    failure_callback: str | None = _option(
        "Failure-Callback", value_types.URL, "URL that receives the final failure"
    )
    queue: str | None = _option(
        "Queue-Name",
        value_types.NAME,
        "Queue for ordered delivery",
        on=_NOT_QUEUED,
        complete="queue",
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


_FAMILIES = {"on_callback": "Callback-", "on_failure_callback": "Failure-Callback-"}
_FORWARD = "forward-"


@cache
def table() -> tuple[tuple[str, Option], ...]:
    """Returns the fields of `MessageOptions` that are options, with their definitions, in order."""
    return tuple((f.name, f.metadata["option"]) for f in fields(MessageOptions) if f.metadata)


def encode(
    options: MessageOptions, prefix: str = "Upstash-", *, without: Container[str] = ()
) -> Headers:
    """Returns the request headers for `options`, leaving out the fields in `without`."""
    return (
        *_own_headers(options, prefix, without),
        *_forwarded(options.headers, prefix),
        *(
            header
            for name, infix in _FAMILIES.items()
            if (family := getattr(options, name)) is not None
            for header in encode(family, f"{prefix}{infix}")
        ),
    )


def _own_headers(
    options: MessageOptions, prefix: str, without: Container[str]
) -> Iterator[tuple[str, str]]:
    values: dict[str, list[str]] = {}
    for name, option in table():
        value = getattr(options, name)
        if value is not None and value != () and name not in without:
            text = option.kind.encode(value)
            values.setdefault(option.header, []).append(
                f"{option.part}={text}" if option.part else text
            )
    for header, texts in values.items():
        yield f"{prefix}{header}", ", ".join(texts)


def _forwarded(headers: Headers, prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        is_for_qstash = name.lower().startswith("upstash-")
        is_plain = name.lower() == "content-type" and prefix == "Upstash-"
        yield (name if is_for_qstash or is_plain else f"{prefix}Forward-{name}"), value


def decode(headers: Iterable[tuple[str, str]]) -> MessageOptions:
    """Parses request headers to options, ignoring headers that are not options.

    `MessageOptions.headers` contain the headers for the destination, under canonical names. Raises
    `BadInput` naming the invalid header.
    """
    received = [(name.lower(), name, text) for name, text in headers]
    ours = [one for one in received if one[0].startswith("upstash-")]
    values, forwarded = _decode_family(ours, "upstash-")
    plain = tuple((name, text) for lower, name, text in received if lower == "content-type")[:1]
    if values.get("header_forward"):
        plain = forwardable((name, text) for _, name, text in received)
    return MessageOptions(
        **values,
        headers=_override(plain, forwarded),
        on_callback=_decode_callback(ours, "upstash-callback-"),
        on_failure_callback=_decode_callback(ours, "upstash-failure-callback-"),
    )


# The name in lower case, the name as written, and the value.
_Received = list[tuple[str, str, str]]


def _decode_callback(received: _Received, prefix: str) -> MessageOptions | None:
    values, forwarded = _decode_family([h for h in received if h[0].startswith(prefix)], prefix)
    return MessageOptions(**values, headers=forwarded) if values or forwarded else None


def _decode_family(received: _Received, prefix: str) -> tuple[dict[str, Any], Headers]:
    """Returns the options whose names have the prefix, and the headers to forward."""
    known = _by_header(callback=prefix != "upstash-")
    values: dict[str, Any] = {}
    forwarded: list[tuple[str, str]] = []
    for lower, name, text in received:
        suffix = lower[len(prefix) :]
        if suffix.startswith(_FORWARD) and suffix != _FORWARD:
            forwarded.append(validate_header(canonical_name(suffix.removeprefix(_FORWARD)), text))
        elif suffix in known:
            values |= _decode_header(canonical_name(name), text, known[suffix])
    return values, tuple(forwarded)


@cache
def _by_header(*, callback: bool) -> dict[str, dict[str, tuple[str, Option]]]:
    found: dict[str, dict[str, tuple[str, Option]]] = {}
    for name, option in table():
        if option.callback or not callback:
            found.setdefault(option.header.lower(), {})[option.part] = (name, option)
    return found


def _decode_header(header: str, text: str, parts: dict[str, tuple[str, Option]]) -> dict[str, Any]:
    pairs = {"": text} if "" in parts else _pairs(header, text)
    values = {}
    for part, value in pairs.items():
        if part not in parts:
            raise BadInput(
                f"{header}: unknown part {part!r}", hint=f"use one of {', '.join(parts)}"
            )
        name, option = parts[part]
        try:
            values[name] = option.kind.decode(value)
        except BadInput as error:
            raise BadInput(f"{header}: {error.message}", hint=error.hint) from None
    return values


def _pairs(header: str, text: str) -> dict[str, str]:
    pairs = {}
    for item in text.split(","):
        part, equals, value = item.partition("=")
        if not equals:
            raise BadInput(f"{header}: not part=value: {item.strip()!r}")
        pairs[part.strip().lower()] = value.strip()
    return pairs


def _override(received: Headers, forwarded: Headers) -> Headers:
    # Undocumented: a forwarded Content-Type overrides the request's own. The Python SDK sends both
    # and means the forwarded one.
    named = {name for name, _ in forwarded}
    plain = ((canonical_name(name), value) for name, value in received)
    return (*(header for header in plain if header[0] not in named), *forwarded)

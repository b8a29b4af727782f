"""The table of message options: one field each, from which the flags, the headers, the batch item
and the server's decoding follow. Source: QStash docs, "Publish a message", header parameters.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol import value_types
from qstash_cli.protocol.headers import Headers, canonical_name, forwardable, validate_header
from qstash_cli.protocol.value_types import Kind

Operation = Literal["publish", "enqueue", "batch", "schedule", "dlq_retry"]

_EVERYWHERE: tuple[Operation, ...] = ("publish", "enqueue", "batch", "schedule", "dlq_retry")
_NEW_MESSAGE: tuple[Operation, ...] = ("publish", "enqueue", "batch")
# A batch has an id for each record.
_ONE_MESSAGE: tuple[Operation, ...] = ("publish", "enqueue")
_NOT_QUEUED: tuple[Operation, ...] = ("publish", "batch", "schedule")
# `dlq retry` finds entries by label and flow control key: there these flags are filters.
_NOT_RETRIED: tuple[Operation, ...] = ("publish", "enqueue", "batch", "schedule")
_SCHEDULE: tuple[Operation, ...] = ("schedule",)


class Option(NamedTuple):
    """What there is to know of one message option.

    `header` stands after `Upstash-`; options that share a header are its `part=value` pairs.
    `callback` says that it also exists for callbacks, with `Upstash-Callback-` before it.
    `complete` is the kind of value that shells offer.
    """

    header: str
    kind: Kind
    help: str
    part: str = ""
    callback: bool = False
    on: tuple[Operation, ...] = _EVERYWHERE
    complete: str = ""


def _option(header: str, kind: Kind, text: str, **more: Any) -> Any:
    option = Option(header=header, kind=kind, help=text, **more)
    return field(default=() if kind.repeats else None, metadata={"option": option})


@dataclass(frozen=True, kw_only=True)
class MessageOptions:
    """How a message is to be delivered. `None` and `()` leave the choice to QStash.

    `headers` are for the destination, but for names that begin with `Upstash-`, which are for
    QStash. `on_callback` and `on_failure_callback` hold the options of the callback's own delivery.
    Names that end in `_s` are whole seconds; `not_before_s` is a unix time.
    """

    method: str | None = _option(
        "Method", value_types.METHOD, "Method of the delivery", callback=True, complete="method"
    )
    delay_s: int | None = _option(
        "Delay", value_types.DURATION, "Deliver after this long", callback=True, on=_NOT_QUEUED
    )
    not_before_s: int | None = _option(
        "Not-Before",
        value_types.INSTANT,
        "Deliver at this time, not before",
        on=("publish", "batch"),
    )
    timeout_s: int | None = _option(
        "Timeout", value_types.DURATION, "Longest wait for the destination's answer", callback=True
    )
    retries: int | None = _option(
        "Retries", value_types.COUNT, "Attempts after the first one", callback=True
    )
    retry_delay: str | None = _option(
        "Retry-Delay", value_types.EXPRESSION, "Milliseconds to the next retry", callback=True
    )
    dedup_id: str | None = _option(
        "Deduplication-Id",
        value_types.DEDUPLICATION_ID,
        "Send only once under this id",
        on=_ONE_MESSAGE,
    )
    dedup_content: bool | None = _option(
        "Content-Based-Deduplication",
        value_types.SWITCH,
        "Send equal content only once",
        on=_NEW_MESSAGE,
    )
    label: tuple[str, ...] = _option(
        "Label", value_types.LABELS, "Label to find it by; may be repeated", on=_NOT_RETRIED
    )
    flow_key: str | None = _option(
        "Flow-Control-Key",
        value_types.TEXT,
        "Share rate and parallelism with this key",
        callback=True,
        on=_NOT_RETRIED,
        complete="flow_key",
    )
    parallelism: int | None = _option(
        "Flow-Control-Value",
        value_types.POSITIVE,
        "Most deliveries of the key at a time",
        part="parallelism",
        callback=True,
        on=_NOT_RETRIED,
    )
    rate: int | None = _option(
        "Flow-Control-Value",
        value_types.POSITIVE,
        "Most deliveries of the key in a period",
        part="rate",
        callback=True,
        # The flag of `batch` also takes the pace of sending.
        on=("publish", "enqueue", "schedule"),
    )
    period_s: int | None = _option(
        "Flow-Control-Value",
        value_types.PERIOD,
        "Length of the rate's period (default 1s)",
        part="period",
        callback=True,
        on=_NOT_RETRIED,
    )
    redact: tuple[str, ...] = _option(
        "Redact-Fields",
        value_types.REDACT_FIELDS,
        "Hide body, header (all of them) or header[Name]",
        on=_NOT_RETRIED,
        complete="redact",
    )
    callback: str | None = _option("Callback", value_types.URL, "Report every attempt to this URL")
    failure_callback: str | None = _option(
        "Failure-Callback", value_types.URL, "Report the final failure to this URL"
    )
    queue: str | None = _option(
        "Queue-Name",
        value_types.NAME,
        "Deliver through this queue, in order",
        on=_NOT_QUEUED,
        complete="queue",
    )
    header_forward: bool | None = _option(
        "Header-Forward", value_types.SWITCH, "Forward every header as it is", on=()
    )
    cron: str | None = _option("Cron", value_types.TEXT, "When to publish", on=_SCHEDULE)
    schedule_id: str | None = _option(
        # Its flag is `schedule create --id`.
        "Schedule-Id",
        value_types.NAME,
        "Id of the schedule; an existing one is replaced",
        on=(),
    )
    headers: Headers = ()
    on_callback: MessageOptions | None = None
    on_failure_callback: MessageOptions | None = None


_FAMILIES = {"on_callback": "Callback-", "on_failure_callback": "Failure-Callback-"}
_FORWARD = "forward-"


@cache
def table() -> tuple[tuple[str, Option], ...]:
    """Every field name of `MessageOptions` that is one option, with its record, in order."""
    return tuple((f.name, f.metadata["option"]) for f in fields(MessageOptions) if f.metadata)


def encode(
    options: MessageOptions, prefix: str = "Upstash-", *, without: Container[str] = ()
) -> Headers:
    """The request headers that say what `options` say, but for the fields `without`."""
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
    """The options that request headers say; headers that are no option are left out.

    `MessageOptions.headers` become what the destination receives, under canonical names. Raises
    `BadInput` naming the header that is wrong.
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


# A name in lower case, as it was written, and the value.
_Received = list[tuple[str, str, str]]


def _decode_callback(received: _Received, prefix: str) -> MessageOptions | None:
    values, forwarded = _decode_family([h for h in received if h[0].startswith(prefix)], prefix)
    return MessageOptions(**values, headers=forwarded) if values or forwarded else None


def _decode_family(received: _Received, prefix: str) -> tuple[dict[str, Any], Headers]:
    """The options behind names with the prefix, and the headers to forward."""
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
            raise BadInput(f"{header}: unknown part {part!r}", hint=f"one of {', '.join(parts)}")
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
    # Documented nowhere: a forwarded Content-Type wins over the request's own, as the Python SDK
    # sends both and means the forwarded one.
    named = {name for name, _ in forwarded}
    plain = ((canonical_name(name), value) for name, value in received)
    return (*(header for header in plain if header[0] not in named), *forwarded)

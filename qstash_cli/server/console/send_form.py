"""The form that publishes a message: its fields come from the table of message options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol.headers import Headers, parse_header
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import MessageOptions, Option, flag_name, table
from qstash_cli.protocol.value_types import METHOD, METHODS, SWITCH

_GROUPS = {
    "Delivery": ("method", "delay_s", "not_before_s", "timeout_s", "retries", "retry_delay"),
    "Deduplication": ("dedup_id", "dedup_content"),
    "Queue & flow control": ("queue", "flow_key", "parallelism", "rate", "period_s"),
    "Callbacks": ("callback", "failure_callback"),
}
_OTHERS = "Labels & redaction"


class FormField(NamedTuple):
    """A field of the form. A field with `choices` is a menu, a switch a checkbox."""

    name: str
    label: str
    help: str
    placeholder: str
    value: str
    is_switch: bool
    choices: tuple[str, ...]


class FormGroup(NamedTuple):
    """Fields under one heading. `is_open` if one of them has a value."""

    heading: str
    fields: tuple[FormField, ...]
    is_open: bool


class SendForm(NamedTuple):
    """What the form has been filled with.

    `body_of` is the id of a message whose body is sent, because it cannot be edited.
    """

    destination: str
    body: str
    headers: str
    options: Mapping[str, str]
    body_of: str = ""


def form_of(destination: str, options: MessageOptions, body: bytes) -> SendForm:
    """Returns the form that publishes a message again."""
    texts = {}
    for name, option in _fields():
        value = getattr(options, name)
        if value is not None and value not in ((), False):
            texts[name] = option.kind.encode(value)
    return SendForm(
        destination=destination,
        body=body.decode(errors="replace"),
        headers="\n".join(f"{name}: {value}" for name, value in options.headers),
        options=texts,
    )


def read_form(data: Mapping[str, Any]) -> SendForm:
    """Returns the form that a browser has sent."""
    return SendForm(
        destination=str(data.get("destination", "")).strip(),
        body=str(data.get("body", "")).replace("\r\n", "\n"),
        body_of=str(data.get("body_of", "")),
        headers=str(data.get("headers", "")),
        options={
            name: text
            for name, _ in _fields()
            if (text := str(data.get(f"option-{flag_name(name)}", "")).strip())
        },
    )


def options_of(form: SendForm, now_s: float) -> MessageOptions:
    """Returns the options that were filled in. Raises `BadInput` naming the field."""
    values: dict[str, Any] = {}
    for name, option in _fields():
        text = form.options.get(name)
        if text is not None:
            values[name] = _parsed(name, option, text, now_s)
    return MessageOptions(**values, headers=_headers(form.headers.splitlines()))


def headers_of(options: MessageOptions) -> Headers:
    """Returns the request headers of the options, as a client sends them."""
    return encode(options)


def groups_of(form: SendForm) -> tuple[FormGroup, ...]:
    """Returns all fields in their groups."""
    known = dict(_fields())
    grouped = {name for names in _GROUPS.values() for name in names}
    groups = {**_GROUPS, _OTHERS: tuple(name for name in known if name not in grouped)}
    found = []
    for heading, names in groups.items():
        fields = tuple(_field(name, known[name], form) for name in names if name in known)
        found.append(FormGroup(heading, fields, any(field.value for field in fields)))
    return tuple(found)


def _fields() -> list[tuple[str, Option]]:
    return [(name, option) for name, option in table() if "publish" in option.on]


def _field(name: str, option: Option, form: SendForm) -> FormField:
    return FormField(
        name=f"option-{flag_name(name)}",
        label=flag_name(name).replace("-", " "),
        help=option.help,
        placeholder=option.kind.metavar,
        value=form.options.get(name, ""),
        is_switch=option.kind is SWITCH,
        choices=METHODS if option.kind is METHOD else (),
    )


def _parsed(name: str, option: Option, text: str, now_s: float) -> Any:
    try:
        if option.kind.parse_at is not None:
            return option.kind.parse_at(text, now_s)
        return option.kind.parse("true" if option.kind is SWITCH else text)
    except BadInput as error:
        raise BadInput(f"{flag_name(name)}: {error.message}", hint=error.hint) from None


def _headers(lines: Iterable[str]) -> Headers:
    return tuple(parse_header(line) for line in lines if line.strip())

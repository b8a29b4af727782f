"""The form that publishes a message: its fields come from the table of message options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol.headers import Headers, parse_header
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import (
    CALLBACK_FAMILIES,
    MessageOptions,
    Option,
    flag_name,
    table,
)
from qstash_cli.protocol.value_types import METHOD, METHODS, SWITCH

_GROUPS = {
    "Delivery": ("method", "delay", "not-before", "timeout", "retries", "retry-delay"),
    "Deduplication": ("dedup-id", "dedup-content"),
    "Queue & flow control": ("queue", "flow-key", "parallelism", "rate", "period"),
    "Callbacks": ("callback", "failure-callback"),
}
_OTHERS = "Labels & redaction"


class FormField(NamedTuple):
    """A field of the form. A field with `choices` is a menu; one of several `lines` a text area."""

    name: str
    label: str
    help: str
    placeholder: str
    value: str
    is_switch: bool = False
    choices: tuple[str, ...] = ()
    lines: int = 1


class FormGroup(NamedTuple):
    """Fields under one heading. `is_open` if one of them has a value."""

    heading: str
    fields: tuple[FormField, ...]
    is_open: bool


class SendForm(NamedTuple):
    """What the form has been filled with: the texts of the options by the names of their flags.

    `body_of` is the id of a message whose body is sent, because it cannot be edited.
    """

    destination: str
    body: str
    headers: str
    options: Mapping[str, str]
    body_of: str = ""


class _FormOption(NamedTuple):
    """An option with its flag. `family` is the field of the callback that it is for, if any.

    The headers of a callback have no definition in the table, and so no `option`.
    """

    flag: str
    family: str
    name: str
    option: Option | None


def form_of(destination: str, options: MessageOptions, body: bytes) -> SendForm:
    """Returns the form that publishes a message again."""
    texts = {}
    for one in _options():
        owner = getattr(options, one.family) if one.family else options
        value = getattr(owner, one.name, None)
        if value is not None and value not in ((), False):
            texts[one.flag] = _lines(value) if one.option is None else one.option.kind.encode(value)
    return SendForm(
        destination=destination,
        body=body.decode(errors="replace"),
        headers=_lines(options.headers),
        options=texts,
    )


def _lines(headers: Headers) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers)


def read_form(data: Mapping[str, Any]) -> SendForm:
    """Returns the form that a browser has sent."""
    return SendForm(
        destination=str(data.get("destination", "")).strip(),
        body=str(data.get("body", "")).replace("\r\n", "\n"),
        body_of=str(data.get("body_of", "")),
        headers=str(data.get("headers", "")),
        options={
            one.flag: text
            for one in _options()
            if (text := str(data.get(f"option-{one.flag}", "")).strip())
        },
    )


def options_of(form: SendForm, now_s: float) -> MessageOptions:
    """Returns the options that were filled in. Raises `BadInput` naming the field."""
    values: dict[str, dict[str, Any]] = {}
    for one in _options():
        text = form.options.get(one.flag)
        if text is not None:
            values.setdefault(one.family, {})[one.name] = _parsed(one, text, now_s)
    own = values.pop("", {})
    families: dict[str, Any] = {name: MessageOptions(**given) for name, given in values.items()}
    return MessageOptions(**own, **families, headers=_headers(form.headers.splitlines()))


def headers_of(options: MessageOptions) -> Headers:
    """Returns the request headers of the options, as a client sends them."""
    return encode(options)


def groups_of(form: SendForm) -> tuple[FormGroup, ...]:
    """Returns all fields in their groups."""
    own = {one.flag: one for one in _options() if not one.family}
    grouped = {flag for flags in _GROUPS.values() for flag in flags}
    groups = {
        **{heading: [own[flag] for flag in flags] for heading, flags in _GROUPS.items()},
        **{
            family.section: [one for one in _options() if one.family == family.field]
            for family in CALLBACK_FAMILIES
        },
        _OTHERS: [one for flag, one in own.items() if flag not in grouped],
    }
    found = []
    for heading, options in groups.items():
        fields = tuple(_field(one, form) for one in options)
        found.append(FormGroup(heading, fields, any(field.value for field in fields)))
    return tuple(found)


@cache
def _options() -> tuple[_FormOption, ...]:
    return tuple(_all_options())


def _all_options() -> Iterator[_FormOption]:
    for name, option in table():
        if "publish" in option.on:
            yield _FormOption(flag_name(name), "", name, option)
    for family in CALLBACK_FAMILIES:
        for name, option in table():
            if option.callback:
                flag = f"{family.prefix}-{flag_name(name)}"
                yield _FormOption(flag, family.field, name, option)
        flag = f"{family.prefix}-header"
        yield _FormOption(flag, family.field, "headers", None)


def _field(one: _FormOption, form: SendForm) -> FormField:
    name, value = f"option-{one.flag}", form.options.get(one.flag, "")
    label = one.flag.replace("-", " ")
    if one.option is None:
        text = "Headers for it, one on each line"
        return FormField(name, label, text, "Name: value", value, lines=2)
    kind = one.option.kind
    return FormField(
        name=name,
        label=label,
        help=one.option.help,
        placeholder=kind.metavar,
        value=value,
        is_switch=kind is SWITCH,
        choices=METHODS if kind is METHOD else (),
    )


def _parsed(one: _FormOption, text: str, now_s: float) -> Any:
    try:
        if one.option is None:
            return _headers(text.splitlines())
        kind = one.option.kind
        if kind.parse_at is not None:
            return kind.parse_at(text, now_s)
        return kind.parse("true" if kind is SWITCH else text)
    except BadInput as error:
        raise BadInput(f"{one.flag}: {error.message}", hint=error.hint) from None


def _headers(lines: Iterable[str]) -> Headers:
    return tuple(parse_header(line) for line in lines if line.strip())

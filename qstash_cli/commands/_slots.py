"""From option dataclasses to the flags of the command line, and from their texts back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from qstash_cli.errors import BadInput
from qstash_cli.flags import Flag
from qstash_cli.frozen import dataclass
from qstash_cli.protocol.headers import parse_header
from qstash_cli.protocol.options import MessageOptions, Operation, table

_HEADER = Flag(
    help="Header for the destination; Upstash-* are for QStash",
    names=("-H", "--header"),
    metavar="'NAME: VALUE'",
    repeats=True,
    parse=lambda text, _now: parse_header(text),
    section="Message",
    complete="header",
)
_FAMILIES = (
    ("on_callback", "callback", "Callback delivery"),
    ("on_failure_callback", "failure-callback", "Failure callback delivery"),
)


@dataclass(frozen=True)
class Slot:
    """One flag on the command line: Typer's parameter name, and what it says."""

    parameter: str
    flag: Flag

    @property
    def names(self) -> tuple[str, ...]:
        """What is typed for it."""
        return self.flag.names or (f"--{self.parameter.replace('_', '-')}",)

    def read(self, value: Any, now: float) -> Any:
        """The flag's value, None or False or () if it was not given. Raises `BadInput`."""
        if self.flag.repeats:
            values = [self._parsed(text, now) for text in value or ()]
            return tuple(values)
        if not self.flag.metavar or value is None:
            return value
        return self._parsed(value, now)

    def _parsed(self, text: str, now: float) -> Any:
        if self.flag.parse is None:
            return text
        try:
            return self.flag.parse(text, now)
        except BadInput as error:
            raise BadInput(f"{self.names[-1]}: {error.message}", hint=error.hint) from None


def is_group(hint: Any) -> bool:
    """Whether a parameter of this type stands for several flags."""
    return is_dataclass(_plain_type(hint))


def _plain_type(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


@cache
def slots_of(hint: Any) -> tuple[Slot, ...]:
    """The flags of an option dataclass."""
    return tuple(_slots(hint))


def _slots(hint: Any) -> Iterator[Slot]:
    kind = _plain_type(hint)
    if kind is not MessageOptions:
        yield from (Slot(f.name, f.metadata["flag"]) for f in fields(kind))
        return
    operation: Operation = get_args(hint)[1]
    yield from (slot for _, slot in _message_slots(operation))
    yield Slot("header", _HEADER)
    for _, prefix, section in _FAMILIES:
        yield from (slot for _, slot in _callback_slots(prefix, section))


def _message_slots(operation: Operation) -> Iterator[tuple[str, Slot]]:
    for name, option in table():
        if operation in option.on:
            yield name, _option_slot(name, option, "", "Message")


def _callback_slots(prefix: str, section: str) -> Iterator[tuple[str, Slot]]:
    for name, option in table():
        if option.callback:
            yield name, _option_slot(name, option, f"{prefix}-", section)
    flag = Flag(
        help="Header for it",
        names=(f"--{prefix}-header",),
        metavar="'NAME: VALUE'",
        repeats=True,
        parse=_HEADER.parse,
        section=section,
        complete="header",
    )
    yield "headers", Slot(f"{prefix}-header".replace("-", "_"), flag)


def _option_slot(name: str, option: Any, prefix: str, section: str) -> Slot:
    long = f"--{prefix}{name.removesuffix('_s').replace('_', '-')}"
    flag = Flag(
        help=option.help,
        names=(_SHORT[long], long) if long in _SHORT else (long,),
        metavar=option.kind.metavar,
        parse=option.kind.parse if option.kind.metavar else None,
        repeats=option.kind.repeats,
        section=section,
        complete=option.complete,
    )
    return Slot(long.removeprefix("--").replace("-", "_"), flag)


_SHORT = {"--method": "-X"}


def build(hint: Any, name: str, values: Mapping[str, Any], now: float) -> Any:
    """The dataclass that the texts of its flags say. Raises `BadInput`."""
    kind = _plain_type(hint)
    if kind is MessageOptions:
        return _build_message(get_args(hint)[1], values, now)
    try:
        read = {slot.parameter: slot.read(values[slot.parameter], now) for slot in slots_of(kind)}
        defaults = {f.name: f.default for f in fields(kind)}
        return kind(**{n: defaults[n] if v is None else v for n, v in read.items()})
    except KeyError as missing:
        raise AssertionError(f"{name}: no flag {missing}") from None


def _build_message(operation: Operation, values: Mapping[str, Any], now: float) -> MessageOptions:
    own = _read(_message_slots(operation), values, now)
    families: dict[str, Any] = {
        family: MessageOptions(**given)
        for family, prefix, section in _FAMILIES
        if (given := _read(_callback_slots(prefix, section), values, now))
    }
    headers = Slot("header", _HEADER).read(values["header"], now)
    return MessageOptions(**own, **families, headers=headers)


def _read(
    slots: Iterator[tuple[str, Slot]], values: Mapping[str, Any], now: float
) -> dict[str, Any]:
    found = {}
    for name, slot in slots:
        value = slot.read(values[slot.parameter], now)
        if value is None or value is False or value == ():
            continue
        is_nested = slot.flag.repeats and slot.parameter.rpartition("_")[2] != "header"
        found[name] = tuple(i for items in value for i in items) if is_nested else value
    return found

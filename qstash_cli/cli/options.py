"""Converts option dataclasses to command-line options, and their texts back to dataclasses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from qstash_cli.cli.flags import Flag
from qstash_cli.errors import BadInput
from qstash_cli.protocol.headers import parse_header
from qstash_cli.protocol.options import (
    CALLBACK_FAMILIES,
    CallbackFamily,
    MessageOptions,
    Operation,
    flag_name,
    table,
)

_HEADER = Flag(
    help="Header for the destination; Upstash-* are for QStash",
    names=("-H", "--header"),
    metavar="'NAME: VALUE'",
    repeats=True,
    parse=parse_header,
    section="Message",
    complete="header",
)


class CliOption(NamedTuple):
    """A command-line option, identified by the name of its parameter."""

    parameter: str
    flag: Flag

    @property
    def names(self) -> tuple[str, ...]:
        """The option names on the command line."""
        return self.flag.names or (f"--{self.parameter.replace('_', '-')}",)

    @property
    def accepted_names(self) -> tuple[str, ...]:
        """The option names on the command line, and former names that are still accepted."""
        return (*self.names, *self.flag.old_names)

    def read(self, value: Any, now: float) -> Any:
        """Parses the option; None, False or () if it is absent. Raises `BadInput`."""
        if self.flag.repeats:
            values = [self._parsed(text, now) for text in value or ()]
            return tuple(values)
        if not self.flag.metavar or value is None:
            return value
        return self._parsed(value, now)

    def _parsed(self, text: str, now: float) -> Any:
        parse, parse_at = self.flag.parse, self.flag.parse_at
        try:
            if parse_at is not None:
                return parse_at(text, now)
            return text if parse is None else parse(text)
        except BadInput as error:
            raise BadInput(f"{self.names[-1]}: {error.message}", hint=error.hint) from None


def is_option_group(hint: Any) -> bool:
    """Whether a parameter of this type is a group of options."""
    return is_dataclass(_plain_type(hint))


def _plain_type(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


@cache
def options_of(hint: Any) -> tuple[CliOption, ...]:
    """Returns the options of an option dataclass."""
    return tuple(_options(hint))


def _options(hint: Any) -> Iterator[CliOption]:
    kind = _plain_type(hint)
    if kind is not MessageOptions:
        yield from (CliOption(f.name, f.metadata["flag"]) for f in fields(kind))
        return
    operation: Operation = get_args(hint)[1]
    yield from (option for _, option in _message_options(operation))
    yield CliOption("header", _HEADER)
    for family in CALLBACK_FAMILIES:
        yield from callback_options(family)


def message_flag(name: str, *names: str) -> Any:
    """Returns a dataclass field for one message option, for commands that do not take all.

    `names` replace the names of the option on the command line.
    """
    option = dict(table())[name]
    found = _named_option(name, option, "", "Message").flag
    default = () if found.repeats else None
    return field(default=default, metadata={"flag": found._replace(names=names or found.names)})


def callback_options(family: CallbackFamily) -> Iterator[CliOption]:
    """Returns the options of a callback family."""
    yield from (option for _, option in _callback_options(family.prefix, family.section))


def _message_options(operation: Operation) -> Iterator[tuple[str, CliOption]]:
    for name, option in table():
        if operation in option.on:
            yield name, _named_option(name, option, "", "Message")


def _callback_options(prefix: str, section: str) -> Iterator[tuple[str, CliOption]]:
    for name, option in table():
        if option.callback:
            yield name, _named_option(name, option, f"{prefix}-", section)
    flag = Flag(
        help="Header for it",
        names=(f"--{prefix}-header",),
        metavar="'NAME: VALUE'",
        repeats=True,
        parse=_HEADER.parse,
        section=section,
        complete="header",
    )
    yield "headers", CliOption(f"{prefix}-header".replace("-", "_"), flag)


def _named_option(name: str, option: Any, prefix: str, section: str) -> CliOption:
    long = f"--{prefix}{flag_name(name)}"
    flag = Flag(
        help=option.help,
        names=(_SHORT[long], long) if long in _SHORT else (long,),
        metavar=option.kind.metavar,
        parse=option.kind.parse if option.kind.metavar else None,
        parse_at=option.kind.parse_at,
        repeats=option.kind.repeats,
        section=section,
        complete=option.complete,
    )
    return CliOption(long.removeprefix("--").replace("-", "_"), flag)


_SHORT = {"--method": "-X"}


def build(hint: Any, values: Mapping[str, Any], now: float) -> Any:
    """Builds the option dataclass from texts. Raises `BadInput`."""
    kind = _plain_type(hint)
    if kind is MessageOptions:
        return _build_message(get_args(hint)[1], values, now)
    read = {one.parameter: one.read(values[one.parameter], now) for one in options_of(kind)}
    defaults = {f.name: f.default for f in fields(kind)}
    return kind(**{n: defaults[n] if v is None else v for n, v in read.items()})


def _build_message(operation: Operation, values: Mapping[str, Any], now: float) -> MessageOptions:
    own = _read(_message_options(operation), values, now)
    families: dict[str, Any] = {
        family: MessageOptions(**given)
        for family, prefix, section in CALLBACK_FAMILIES
        if (given := _read(_callback_options(prefix, section), values, now))
    }
    headers = CliOption("header", _HEADER).read(values["header"], now)
    return MessageOptions(**own, **families, headers=headers)


def _read(
    options: Iterator[tuple[str, CliOption]], values: Mapping[str, Any], now: float
) -> dict[str, Any]:
    found = {}
    for name, option in options:
        value = option.read(values[option.parameter], now)
        if value is None or value is False or value == ():
            continue
        is_nested = option.flag.repeats and option.parameter.rpartition("_")[2] != "header"
        found[name] = tuple(i for items in value for i in items) if is_nested else value
    return found

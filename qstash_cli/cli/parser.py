"""The parser of command lines, for runs and for completion.

It parses only valid command lines. Typer, which takes longer to import than most commands run,
handles `--help` and every usage error, since it has the messages. A property test over all commands
ensures that both parsers agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qstash_cli.cli.index import CommandIndex
from qstash_cli.cli.options import CliOption, options_of
from qstash_cli.cli.registry import CliArgument, Command, CommandGroup
from qstash_cli.cli.run_options import AutomationOptions, ConnectionOptions, OutputOptions

_JSON = ("json", "jsonl")


def root_options() -> list[CliOption]:
    """Returns the options that are also accepted before the command."""
    kinds = (OutputOptions, AutomationOptions, ConnectionOptions)
    return [option for kind in kinds for option in options_of(kind)]


@dataclass
class ParsedLine:
    """The texts that follow the command's name.

    `values` has the text of each option by parameter: None if it is absent, True or False for a
    switch, a list for an option that may be repeated. `open_option` is an option at the end without
    its value. `has_mistake` is true if an option is unknown, or has a value but takes none.
    """

    values: dict[str, Any]
    given: set[str] = field(default_factory=set)
    positional: list[str] = field(default_factory=list)
    open_option: CliOption | None = None
    only_arguments: bool = False
    has_mistake: bool = False


def parse(options: Sequence[CliOption], argv: Sequence[str]) -> ParsedLine:
    """Splits a command line, which may be incomplete or invalid, into options and arguments."""
    by_name = {name: option for option in options for name in option.accepted_names}
    line = ParsedLine({o.parameter: None if o.flag.metavar else False for o in options})
    rest = iter(argv)
    for text in rest:
        if line.only_arguments or len(text) < 2 or not text.startswith("-"):
            line.positional.append(text)
        elif text == "--":
            line.only_arguments = True
        else:
            _take(by_name, text, rest, line)
    return line


def _take(
    by_name: Mapping[str, CliOption], text: str, rest: Iterator[str], line: ParsedLine
) -> None:
    """Reads one option, and takes its value from the following texts if necessary."""
    name, value = split_option(text)
    option = by_name.get(name)
    if option is None:
        line.has_mistake = True
        return
    line.given.add(option.parameter)
    if not option.flag.metavar:
        line.has_mistake |= value is not None
        line.values[option.parameter] = True
        return
    value = next(rest, None) if value is None else value
    if value is None:
        line.open_option = option
    elif option.flag.repeats:
        line.values[option.parameter] = [*(line.values[option.parameter] or ()), value]
    else:
        line.values[option.parameter] = value


def split_option(text: str) -> tuple[str, str | None]:
    """Splits a text into the option's name and its value, or None if it has none."""
    if text.startswith("--"):
        name, equals, value = text.partition("=")
        return name, value if equals else None
    return text[:2], text[2:] or None


class ParsedCommand(NamedTuple):
    """A command, and the texts of its options and arguments by parameter."""

    command: Command
    values: Mapping[str, Any]


def read(group: CommandGroup, argv: Sequence[str]) -> ParsedCommand | None:
    """Returns the command on the line, or None if Typer has to parse the line."""
    selected = group.select(argv)
    command = selected.command
    if command is None:
        return None
    line = parse(command.options, selected.rest)
    arguments = _assigned(command.arguments, line.positional)
    if line.has_mistake or line.open_option is not None or arguments is None:
        return None
    return ParsedCommand(command, line.values | arguments)


def _assigned(arguments: Sequence[CliArgument], positional: Sequence[str]) -> dict[str, Any] | None:
    """Assigns texts to the arguments. Returns None if a text is missing or there are too many."""
    rest = list(positional)
    found: dict[str, Any] = {}
    for one in arguments:
        if not rest:
            if one.is_required:
                return None
            found[one.parameter] = None
        elif one.is_list:
            found[one.parameter], rest = rest, []
        else:
            found[one.parameter] = rest.pop(0)
    return None if rest else found


def with_root_options_behind(index: CommandIndex, argv: Sequence[str]) -> list[str]:
    """Moves the options before the command behind it.

    `-p prod queue list` becomes `queue list -p prod`. Returns a line unchanged if it does not start
    with options that every command has.
    """
    options = {name: option for option in root_options() for name in option.accepted_names}
    at = 0
    while at < len(argv) and argv[at].startswith("-"):
        name, value = split_option(argv[at])
        option = options.get(name)
        if option is None:
            return list(argv)
        at += 2 if option.flag.metavar and value is None else 1
    leading, rest = list(argv[:at]), list(argv[at:])
    name_of = index.name_of(rest[0]) if rest and leading else None
    if name_of is None:
        return list(argv)
    selected = index.group(name_of).select(rest[1:])
    # Typer reports an unknown name only if no option precedes it.
    names = 1 + len(selected.names) + (selected.command is None)
    return [*rest[:names], *leading, *rest[names:]]


def wants_json(index: CommandIndex, argv: Sequence[str]) -> bool:
    """Whether a line, which may be invalid, asks for JSON, so that its error is JSON too."""
    name = index.name_of(argv[0]) if argv else None
    options = options_of(OutputOptions)
    if name is not None:
        command = index.group(name).select(argv[1:]).command
        options = command.options if command else options
    values = parse(options, argv).values
    return bool(values["json"]) or values["output"] in _JSON

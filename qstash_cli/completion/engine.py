"""Determines the possible values of the word at the cursor from the preceding words.

Does not import Typer, which takes longer to import than all of this code takes to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from qstash_cli.cli.context import Context
from qstash_cli.cli.index import CommandIndex
from qstash_cli.cli.options import CliOption
from qstash_cli.cli.parser import (
    ParsedLine,
    parse,
    root_options,
    split_option,
    with_root_options_behind,
)
from qstash_cli.cli.registry import Command
from qstash_cli.output.result import View

Value = tuple[str, str]
_HELP = ("-h", "--help")
_HELP_TEXT = "Show this message and exit."


class Offered(NamedTuple):
    """Values with descriptions.

    `before` is the part of the word that does not change. `metavar` is the kind of the value, or
    empty for a name.
    """

    values: tuple[Value, ...]
    before: str = ""
    metavar: str = ""


def offered(ctx: Context, index: CommandIndex, args: Sequence[str], at: str) -> Offered | None:
    """Returns the possible values of the incomplete word `at` after these arguments.

    Returns None if the arguments do not call a command.
    """
    args = with_root_options_behind(index, args)
    if not args or args[0].startswith("-"):
        return _before_command(ctx, index, args, at)
    name = index.name_of(args[0])
    if name is None:
        return None
    group, command, _, rest = index.group(name).select(args[1:])
    names = _names(((one.name, one.summary) for one in group.subcommands), at)
    if command is None:
        # The options before the command, such as --dev, are behind it now.
        line = parse(root_options(), rest)
        return None if line.has_mistake or line.positional or line.open_option else names
    found = _of_command(ctx, command, rest, at)
    if rest or command != group.default or at.startswith("-"):
        return found
    return found._replace(values=(*names.values, *found.values))


def _before_command(
    ctx: Context, index: CommandIndex, args: Sequence[str], at: str
) -> Offered | None:
    options = root_options()
    line = parse(options, args)
    if line.has_mistake or line.positional:
        return None
    if line.open_option is not None:
        return _of_option(ctx, line.open_option, line, at)
    if at.startswith("-"):
        return Offered(values=tuple(_options(options, line, at)))
    return _names(index.helps.items(), at)


def _names(found: Iterable[Value], at: str) -> Offered:
    if at.startswith("-"):
        found = ((name, _HELP_TEXT) for name in _HELP)
    return Offered(values=tuple(one for one in found if one[0].startswith(at)))


def _of_command(ctx: Context, command: Command, args: Sequence[str], at: str) -> Offered:
    line = parse(command.options, args)
    if line.open_option is not None:
        return _of_option(ctx, line.open_option, line, at, command.view)
    if not at.startswith("-") or line.only_arguments:
        return _of_argument(ctx, command, line, at)
    name, value = split_option(at)
    if not at.startswith("--") or value is None:
        return Offered(values=tuple(_options(command.options, line, at)))
    option = next((one for one in command.options if name in one.accepted_names), None)
    if option is None:
        return Offered(values=())
    return _of_option(ctx, option, line, value, command.view)._replace(before=f"{name}=")


def _options(options: Iterable[CliOption], line: ParsedLine, at: str) -> Iterator[Value]:
    for option in options:
        if option.flag.repeats or option.parameter not in line.given:
            yield from ((n, option.flag.help) for n in option.names if n.startswith(at))
    yield from ((name, _HELP_TEXT) for name in _HELP if name.startswith(at))


def _of_option(
    ctx: Context, option: CliOption, line: ParsedLine, at: str, view: View | None = None
) -> Offered:
    kind = option.flag.complete
    forms = view.forms if view and kind == "format" else ()
    found = [*_values(ctx, kind, line, at), *((form, "") for form in forms)]
    return Offered(
        values=tuple(one for one in found if one[0].startswith(at)),
        metavar=option.flag.metavar,
    )


def _of_argument(ctx: Context, command: Command, line: ParsedLine, at: str) -> Offered:
    place = len(line.positional)
    for number, one in enumerate(command.arguments):
        if not one.is_list and number != place:
            continue
        taken = line.positional[number:]
        found = _values(ctx, one.argument.complete, line, at)
        return Offered(
            values=tuple(value for value in found if value[0] not in taken),
            metavar=one.argument.metavar,
        )
    return Offered(values=())


def _values(ctx: Context, kind: str, line: ParsedLine, at: str) -> Iterator[Value]:
    if kind:
        from qstash_cli.completion.values import values_of

        yield from values_of(kind, ctx, line.values, at)

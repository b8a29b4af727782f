"""The registry of commands. A command is a function whose options are fields of dataclasses.

`def retry(ctx, dlq_id, options: Annotated[MessageOptions, "dlq_retry"]) -> Result` becomes a
command: each field of a dataclass is an option, and a parameter that is not a dataclass is an
argument. The parser, completion, Typer and the man page read these declarations.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from importlib import import_module
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument
from qstash_cli.cli.options import CliOption, is_option_group, options_of
from qstash_cli.cli.run_options import AutomationOptions, ConnectionOptions, OutputOptions
from qstash_cli.errors import QstashError
from qstash_cli.output.result import Result, View

OnError = Callable[[Context, QstashError], Result | None]


class CliArgument(NamedTuple):
    """A command-line argument, identified by the name of the function's parameter."""

    parameter: str
    argument: Argument
    is_list: bool
    is_required: bool

    @property
    def usage(self) -> str:
        """Returns the argument as in a usage line: `URL`, `[ID]...`."""
        name = self.argument.metavar
        return f"{name if self.is_required else f'[{name}]'}{'...' if self.is_list else ''}"


class Command:
    """A command. If it does not connect, it has no connection options.

    `view` allows `--columns` to be validated before anything is sent. `on_error` may convert an
    error in an option's value or in the function to a result; if it returns None, the error is
    raised.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Result],
        *,
        connects: bool,
        view: View | None,
        on_error: OnError | None,
    ) -> None:
        self.name = name
        self.function = function
        self.connects = connects
        self.view = view
        self.on_error = on_error

    @property
    def help(self) -> str:
        """The whole help text; a line with `\b` precedes its examples."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def summary(self) -> str:
        """The first line of the help, without its full stop."""
        return self.help.partition("\n")[0].rstrip(".")

    @cached_property
    def _hints(self) -> dict[str, Any]:
        hints = get_type_hints(self.function, include_extras=True)
        # The first parameter is the context.
        return {name: hints[name] for name in list(self._parameters)[1:]}

    @cached_property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        return dict(inspect.signature(self.function).parameters)

    @cached_property
    def arguments(self) -> tuple[CliArgument, ...]:
        """The arguments, in order."""
        return tuple(
            _argument(name, hint, self._parameters[name])
            for name, hint in self._hints.items()
            if not is_option_group(hint)
        )

    @cached_property
    def option_groups(self) -> dict[str, Any]:
        """The option dataclasses by the names of their parameters."""
        return {name: hint for name, hint in self._hints.items() if is_option_group(hint)}

    @cached_property
    def options(self) -> tuple[CliOption, ...]:
        """All options, in the order in which the help lists them."""
        connection = [ConnectionOptions] if self.connects else []
        hints = [*self.option_groups.values(), OutputOptions, AutomationOptions, *connection]
        return tuple(option for hint in hints for option in options_of(hint))


def _argument(name: str, hint: Any, parameter: inspect.Parameter) -> CliArgument:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"the argument {name} has no help: annotate it with Argument(...)")
    kind, argument = get_args(hint)[:2]
    return CliArgument(
        parameter=name,
        argument=argument,
        is_list=list[str] in (kind, *get_args(kind)),
        is_required=parameter.default is inspect.Parameter.empty,
    )


class NestedGroup(NamedTuple):
    """The name of a group within another one, and its summary there.

    `module` is relative to `qstash_cli.commands`. It is imported when the group is used.
    """

    name: str
    summary: str
    module: str

    @property
    def group(self) -> CommandGroup:
        """The group itself."""
        found: CommandGroup = import_module(f"qstash_cli.commands.{self.module}").app
        return found


class Selected(NamedTuple):
    """The innermost group that a line names, and its command, None if the line names no command.

    `names` are the names of both below the top-level name, and `rest` the words after them.
    """

    group: CommandGroup
    command: Command | None
    names: tuple[str, ...]
    rest: Sequence[str]


class CommandGroup:
    """The commands of a name, and groups within it. A group may consist of a single command.

    A group with a default has a command without a name of its own, which runs unless the line names
    another one: `qstash dev` beside `qstash dev clock`. A nested group has neither a default nor a
    single command.
    """

    def __init__(self, nested: tuple[NestedGroup, ...]) -> None:
        self.own_commands: list[Command] = []
        self.nested = nested
        self.default: Command | None = None

    @property
    def unnamed(self) -> Command | None:
        """The command that the name of the group calls, or None if a line has to name one."""
        has_names = self.nested or len(self.own_commands) != 1
        return self.default if has_names else self.own_commands[0]

    @property
    def subcommands(self) -> list[Command | NestedGroup]:
        """The commands and groups that have a name within the group."""
        return [*(one for one in self.own_commands if one != self.unnamed), *self.nested]

    def select(self, argv: Sequence[str]) -> Selected:
        """Returns the command of the words after the name of the group."""
        named = next((one for one in self.subcommands if argv and one.name == argv[0]), None)
        if named is None:
            return Selected(self, self.unnamed, (), argv)
        if isinstance(named, Command):
            return Selected(self, named, (named.name,), argv[1:])
        found = named.group.select(argv[1:])
        return found._replace(names=(named.name, *found.names))

    def commands(self, name: str) -> Iterator[tuple[str, Command]]:
        """Yields all commands with their full names. `name` is the full name of the group."""
        for one in self.own_commands:
            yield name if one is self.unnamed else f"{name} {one.name}", one
        for nested in self.nested:
            yield from nested.group.commands(f"{name} {nested.name}")


def group(*nested: NestedGroup) -> CommandGroup:
    """Creates a group with these groups in it, to which `command` adds commands."""
    return CommandGroup(nested)


def command(
    added_to: CommandGroup,
    name: str | None = None,
    *,
    connects: bool = True,
    view: View | None = None,
    on_error: OnError | None = None,
    default: bool = False,
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Returns a decorator that adds a function to a group as a command."""

    def add(function: Callable[..., Result]) -> Callable[..., Result]:
        called = name or function.__name__.strip("_").replace("_", "-")
        made = Command(called, function, connects=connects, view=view, on_error=on_error)
        added_to.own_commands.append(made)
        if default:
            added_to.default = made
        return function

    return add

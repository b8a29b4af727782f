"""The same commands as a Typer app: for help, and for the message about every mistake.

Only Typer's public API is used. The functions that it is given have signatures made from the
registry, so that a command is declared once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any, NamedTuple, cast

import typer
from rich.markup import escape

from qstash_cli.cli.index import EXAMPLES, CommandIndex
from qstash_cli.cli.options import CliOption
from qstash_cli.cli.parser import ParsedCommand
from qstash_cli.cli.registry import CliArgument, Command
from qstash_cli.errors import BadInput

_HELP = f"""Operate Upstash QStash: publish, inspect, replay and verify messages.

\b
{EXAMPLES}
"""
_EPILOG = "`qstash COMMAND --help` describes a command, `qstash help` lists the topics."
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class HelpShown(NamedTuple):
    """Typer printed a help text and ended the run with this exit code."""

    exit_code: int


def run(index: CommandIndex, argv: list[str]) -> ParsedCommand | HelpShown:
    """The command on the line with the texts of its options, or `HelpShown`.

    Raises `BadInput` with Typer's message for a line that it refuses.
    """
    name = index.name_of(argv[0]) if argv else None
    if name is None:
        return call_app(build(index, loaded=()), argv, "qstash")
    return call_app(build(index, loaded={name}), [name, *argv[1:]], f"qstash {name}")


def call_app(app: typer.Typer, argv: Sequence[str], path: str) -> ParsedCommand | HelpShown:
    """The command that the app calls, or `HelpShown`. `path` is the command's, for a mistake of
    which Typer does not say where it was made. Raises `BadInput`.
    """
    try:
        result = app(args=list(argv), prog_name="qstash", standalone_mode=False)
    except Exception as error:
        # Typer's own click has no public name for its exceptions. All have this method.
        if not hasattr(error, "format_message"):
            raise
        message = cast("Callable[[], str]", error.format_message)().rstrip(".").lstrip()
        if not message:
            # The help was printed because a command is missing.
            return HelpShown(int(getattr(error, "exit_code", 2)))
        context = getattr(error, "ctx", None)
        called = context.command_path if context is not None else path
        raise BadInput(
            message[:1].lower() + message[1:], hint=f"`{called} --help` shows the usage"
        ) from error
    # Typer returns the exit code after a help text that was asked for.
    return result if isinstance(result, ParsedCommand) else HelpShown(int(result or 0))


def build(index: CommandIndex, loaded: Collection[str]) -> typer.Typer:
    """The app. Commands that are not `loaded` are names with a help line, whose modules are not
    imported.
    """
    app = typer.Typer(
        help=_HELP,
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings=_CONTEXT,
    )
    for entry in index.entries:
        if entry.name not in loaded:
            app.command(entry.name, help=escape(entry.help), rich_help_panel=entry.section)(_stub)
            continue
        group = index.group(entry.name)
        if group.only_command is not None:
            _add(app, entry.name, group.only_command, panel=entry.section)
            continue
        nested = typer.Typer(
            help=escape(entry.help),
            no_args_is_help=True,
            rich_markup_mode="rich",
            context_settings=_CONTEXT,
        )
        for command in group.commands:
            _add(nested, command.name, command)
        app.add_typer(nested, name=entry.name, rich_help_panel=entry.section)
    return app


def _stub() -> None:
    """Stands for a command that is not called."""


def _add(app: typer.Typer, name: str, command: Command, *, panel: str | None = None) -> None:
    parameters = [
        *(_argument(one) for one in command.arguments),
        *(_option(one) for one in command.options),
    ]

    def function(**values: Any) -> ParsedCommand:
        # An absent option is None, as in the parser; an empty list is absent, too.
        return ParsedCommand(command, {n: None if v == [] else v for n, v in values.items()})

    function.__dict__["__signature__"] = Signature(parameters)
    function.__annotations__ = {one.name: one.annotation for one in parameters}
    app.command(name, help=escape(command.help), rich_help_panel=panel)(function)


def _argument(one: CliArgument) -> Parameter:
    kind: Any = list[str] if one.is_list else str
    info = typer.Argument(
        help=escape(one.argument.help), metavar=one.argument.metavar, show_default=False
    )
    if one.is_required:
        return Parameter(one.parameter, Parameter.KEYWORD_ONLY, annotation=Annotated[kind, info])
    return Parameter(
        one.parameter,
        Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, info],
    )


def _option(one: CliOption) -> Parameter:
    flag = one.flag
    info: Any = typer.Option(
        *one.names,
        help=escape(flag.help),
        rich_help_panel=flag.section,
        show_default=False,
        metavar=flag.metavar or None,
    )
    kind: Any = bool if not flag.metavar else list[str] | None if flag.repeats else str | None
    return Parameter(
        one.parameter,
        Parameter.KEYWORD_ONLY,
        default=None if flag.metavar else False,
        annotation=Annotated[kind, info],
    )

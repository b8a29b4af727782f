"""The commands as a Typer app, for help and for the messages of usage errors.

Uses only Typer's public API. The registry supplies the signatures of the functions, so a command is
declared once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any, NamedTuple, cast

import typer
from rich.markup import escape

from qstash_cli.cli.concepts import OPTIONS, command_for
from qstash_cli.cli.flags import Flag
from qstash_cli.cli.index import EXAMPLES, CommandIndex
from qstash_cli.cli.options import CliOption
from qstash_cli.cli.parser import ParsedCommand, root_options
from qstash_cli.cli.registry import CliArgument, Command, CommandGroup
from qstash_cli.errors import BadInput
from qstash_cli.protocol.options import CALLBACK_FAMILIES

_HELP = f"""Operate Upstash QStash: publish, inspect, replay and verify messages.

\b
{EXAMPLES}
"""
_EPILOG = "`qstash COMMAND --help` describes a command, `qstash help` lists the topics."
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


_FAMILY_ROWS = tuple(
    CliOption(
        f"{family.field}_options",
        Flag(
            f"Options of the {family.section.lower()}: `qstash help callbacks`",
            names=(f"--{family.prefix}-*",),
            section="Message",
        ),
    )
    for family in CALLBACK_FAMILIES
)


class PrintedHelp(NamedTuple):
    """Typer printed a help text and ended the run with this exit code."""

    exit_code: int


def run(index: CommandIndex, argv: list[str]) -> ParsedCommand | PrintedHelp:
    """Returns the command on the line with the texts of its options, or `PrintedHelp`.

    Raises `BadInput` with Typer's message for an invalid line.
    """
    name = index.name_of(argv[0]) if argv else None
    _raise_for_other_word(index, argv, name)
    if name is None:
        return call_app(build(index, loaded=()), argv, "qstash")
    path = " ".join(["qstash", name, *index.group(name).select(argv[1:]).names])
    return call_app(build(index, {name}, argv[1:]), [name, *argv[1:]], path)


def _raise_for_other_word(index: CommandIndex, argv: Sequence[str], name: str | None) -> None:
    """Raises `BadInput` for a term of another tool, with the equivalent command as the hint."""
    if name is None:
        word, suggestion = argv[0] if argv else "", command_for(argv[0]) if argv else None
    else:
        selected = index.group(name).select(argv[1:])
        word = selected.rest[0] if selected.command is None and selected.rest else ""
        suggestion = command_for(word, " ".join((name, *selected.names)))
    if suggestion is not None:
        raise BadInput(f"no such command {word!r}", hint=f"use `{suggestion}`")


def print_help(index: CommandIndex, path: Sequence[str]) -> None:
    """Prints the help of a command, or of `qstash` itself if `path` is empty.

    Adds only the options of that command, since Typer needs a millisecond for each. Names the
    options of callbacks and of every command, which `qstash help` describes.
    """
    app = _new_app(_HELP, _EPILOG)
    app.callback()(_root)
    for entry in index.entries:
        if entry.name != (path[0] if path else None):
            app.command(entry.name, help=escape(entry.help), rich_help_panel=entry.section)(_stub)
            continue
        _add_group_help(app, path, 0, index.group(entry.name), entry.help)
    # Parsing `--help` instead would build the type of its value, for which Typer imports pydantic.
    # Its click has no public names for the types of commands.
    shown: Any = typer.main.get_command(app)
    context = typer.Context(shown, info_name="qstash", **shown.context_settings)
    for name in path:
        shown = shown.get_command(context, name)
        context = typer.Context(shown, info_name=name, parent=context, **shown.context_settings)
    # Typer would print the type of the option.
    if (help_option := shown.get_help_option(context)) is not None:
        help_option.metavar = " "
    typer.echo(context.get_help())


def _add_group_help(
    app: typer.Typer, path: Sequence[str], at: int, group: CommandGroup, text: str
) -> None:
    """Adds the group that is number `at` of the path, with the help of what the path names."""
    name, names = path[at], path[at + 1 :]
    if group.unnamed is not None and not names:
        called = " ".join(("qstash", *path))
        others = [f"`{called} {one.name}`: {one.summary}." for one in group.subcommands]
        _add_help(app, name, group.unnamed, others)
        return
    nested = _new_app(escape(text))
    for one in group.subcommands:
        if not names or one.name != names[0]:
            nested.command(one.name, help=_text(one.summary))(_stub)
        elif isinstance(one, Command):
            _add_help(nested, one.name, one)
        else:
            _add_group_help(nested, path, at + 1, one.group, one.summary)
    app.add_typer(nested, name=name)


def _add_help(
    app: typer.Typer, name: str, command: Command, others_of_group: Sequence[str] = ()
) -> None:
    families = {family.section for family in CALLBACK_FAMILIES}
    common = {option.flag.section for option in root_options()}
    own = [one for one in command.options if one.flag.section not in families | common]
    others = [one.names[-1] for one in command.options if one.flag.section in common]
    has_families = any(one.flag.section in families for one in command.options)
    _add(
        app,
        name,
        command,
        options=(*own, *(_FAMILY_ROWS if has_families else ())),
        epilog="\n\n".join(
            [
                *others_of_group,
                f"`qstash help options` describes {', '.join(others)}.",
            ]
        ),
    )


def call_app(app: typer.Typer, argv: Sequence[str], path: str) -> ParsedCommand | PrintedHelp:
    """Runs the app, and returns the called command or `PrintedHelp`.

    `path` is the command's name, for usage errors that do not name their command. Raises
    `BadInput`.
    """
    try:
        result = app(args=list(argv), prog_name="qstash", standalone_mode=False)
    except Exception as error:
        # Typer's own click has no public name for its exceptions, but all have this method.
        if not hasattr(error, "format_message"):
            raise
        message = cast("Callable[[], str]", error.format_message)().rstrip(".").lstrip()
        if not message:
            # Typer printed the help because a command is missing.
            return PrintedHelp(int(getattr(error, "exit_code", 2)))
        context = getattr(error, "ctx", None)
        called = context.command_path if context is not None else path
        raise BadInput(
            message[:1].lower() + message[1:],
            hint=_other_option(message, context) or f"`{called} --help` shows the usage",
        ) from error
    # After a requested help text, Typer returns the exit code.
    return result if isinstance(result, ParsedCommand) else PrintedHelp(int(result or 0))


def _other_option(message: str, context: Any) -> str:
    """Returns the hint for another tool's name of an option that the command has."""
    given = re.match(r"No such option: (--[\w-]+)", message)
    name = OPTIONS.get(given[1]) if given else None
    known = {one for option in context.command.params for one in option.opts} if context else set()
    return f"use {name}" if name in known else ""


def _new_app(text: str, epilog: str | None = None) -> typer.Typer:
    return typer.Typer(
        help=text,
        epilog=epilog,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings=_CONTEXT,
    )


def build(index: CommandIndex, loaded: Collection[str], rest: Sequence[str] = ()) -> typer.Typer:
    """Builds the app for a line, with the words `rest` after the name of a loaded command.

    A command that is not in `loaded` has only a name and a help line; its module is not imported.
    """
    app = _new_app(_HELP, _EPILOG)
    for entry in index.entries:
        if entry.name not in loaded:
            app.command(entry.name, help=escape(entry.help), rich_help_panel=entry.section)(_stub)
            continue
        group = index.group(entry.name)
        selected = group.select(rest)
        if selected.command is not None and not selected.names:
            _add(app, entry.name, selected.command, panel=entry.section)
        else:
            app.add_typer(_group(group, entry.help), name=entry.name, rich_help_panel=entry.section)
    return app


def _group(group: CommandGroup, text: str) -> typer.Typer:
    nested = _new_app(escape(text))
    for one in group.subcommands:
        if isinstance(one, Command):
            _add(nested, one.name, one)
        else:
            nested.add_typer(_group(one.group, one.summary), name=one.name)
    return nested


def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version.", metavar=" ")
    ] = False,
) -> None:
    """Has the options of `qstash` itself, which `cli.run` reads."""


def _stub() -> None:
    """Takes the place of a command's function, and is never called."""


def _text(text: str) -> str:
    """Removes the line breaks of the source from a help text, except in preformatted paragraphs."""
    paragraphs = re.split(r"\n\s*\n", text)
    return escape("\n\n".join(one if "\b" in one else " ".join(one.split()) for one in paragraphs))


def _add(
    app: typer.Typer,
    name: str,
    command: Command,
    *,
    options: Sequence[CliOption] | None = None,
    panel: str | None = None,
    epilog: str | None = None,
) -> None:
    parameters = [
        *(_argument(one) for one in command.arguments),
        *(_option(one, in_help=options is not None) for one in options or command.options),
    ]

    def function(**values: Any) -> ParsedCommand:
        # Use None for absent options, including lists, as the parser does.
        return ParsedCommand(command, {n: None if v == [] else v for n, v in values.items()})

    function.__dict__["__signature__"] = Signature(parameters)
    function.__annotations__ = {one.name: one.annotation for one in parameters}
    app.command(name, help=_text(command.help), epilog=epilog, rich_help_panel=panel)(function)


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


def _option(one: CliOption, *, in_help: bool) -> Parameter:
    flag = one.flag
    info: Any = typer.Option(
        *(one.names if in_help else one.accepted_names),
        help=escape(flag.help),
        rich_help_panel=flag.section,
        show_default=False,
        # Without this, Typer would print a type for a flag without a value.
        metavar=flag.metavar or " ",
    )
    kind: Any = bool if not flag.metavar else list[str] | None if flag.repeats else str | None
    return Parameter(
        one.parameter,
        Parameter.KEYWORD_ONLY,
        default=None if flag.metavar else False,
        annotation=Annotated[kind, info],
    )

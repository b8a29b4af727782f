"""From the verbs of a word to Typer's command: for help, and for what is wrong.

The command is made of Typer's own parts, without the reading of a function's signature that `Typer`
does for each one of them: all of that is known here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from qstash_cli.commands._signature import Verb, Word, execute
from qstash_cli.commands._slots import Slot
from qstash_cli.output.result import Result

_HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class SectionedCommand(TyperCommand):
    """A verb, whose plain help has a heading over each section of flags."""

    def __init__(self, verb: Verb) -> None:
        super().__init__(
            verb.name,
            params=[*_arguments(verb), *(_option(slot) for slot in verb.slots)],
            help=inspect.getdoc(verb.function),
            rich_markup_mode=None,
            context_settings=_HELP_NAMES,
        )
        self._verb = verb

    def invoke(self, ctx: Any) -> Result:
        """Runs the verb. What may be left out and was is None."""
        given = {name: None if value == () else value for name, value in ctx.params.items()}
        for name, value in given.items():
            if isinstance(value, tuple):
                given[name] = list(value)
        return execute(self._verb, ctx.obj, given)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the arguments, then every section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                panel = getattr(parameter, "rich_help_panel", None)
                is_argument = parameter.param_type_name == "argument"
                name = "Arguments" if is_argument else panel or "Output"
                sections.setdefault(name, []).append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)


def built(word: Word) -> Any:
    """Typer's command of a word: a group of verbs, or the one verb that it has."""
    commands = [SectionedCommand(verb) for verb in word.verbs]
    if len(commands) == 1:
        return commands[0]
    return TyperGroup(
        name="",
        commands={str(one.name): one for one in commands},
        help=word.help,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings=_HELP_NAMES,
    )


def _arguments(verb: Verb) -> Iterator[TyperArgument]:
    parameters = inspect.signature(verb.function).parameters
    for name, hint in verb.arguments.items():
        kind, argument, *_ = get_args(hint) if get_origin(hint) is Annotated else (hint, None)
        is_required = parameters[name].default is inspect.Parameter.empty
        is_list = list[str] in (kind, *get_args(kind))
        yield TyperArgument(
            param_decls=[name],
            type=str,
            required=is_required,
            nargs=-1 if is_list else None,
            default=None if is_required else parameters[name].default,
            help=argument and argument.help,
            metavar=argument and argument.metavar,
            show_default=False,
        )


def _option(slot: Slot) -> TyperOption:
    flag = slot.flag
    return TyperOption(
        param_decls=[slot.parameter, *slot.names],
        type=str if flag.metavar else None,
        is_flag=None if flag.metavar else True,
        multiple=flag.repeats,
        default=None if flag.metavar else False,
        help=flag.help,
        metavar=flag.metavar or None,
        rich_help_panel=flag.section,
        show_default=False,
    )

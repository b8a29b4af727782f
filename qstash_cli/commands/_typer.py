"""From the verbs of a word to Typer's command: for help, for completion, and for what is wrong."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Annotated, Any, cast, get_args, get_origin

import typer
from typer.core import TyperCommand
from typer.main import get_command

from qstash_cli.commands._signature import Verb, Word, execute
from qstash_cli.commands._slots import Slot
from qstash_cli.commands._values import values
from qstash_cli.flags import Argument
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Result

_HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class SectionedCommand(TyperCommand):
    """A command whose plain help has a heading over each section of flags."""

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
    app = typer.Typer(
        help=word.help,
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings=_HELP_NAMES,
    )
    for verb in word.verbs:
        add = app.command(verb.name, cls=SectionedCommand, context_settings=_HELP_NAMES)
        add(_with_flags(verb))
    return get_command(app)


def _with_flags(verb: Verb) -> Any:
    @functools.wraps(verb.function)
    def run(ctx: typer.Context, **values: Any) -> Result:
        inv: Invocation = ctx.obj
        return execute(verb, inv, values)

    forms = verb.view.forms if verb.view else ()
    parameters = inspect.signature(verb.function).parameters
    plain = [
        parameters[name].replace(annotation=_argument(hint), kind=inspect.Parameter.KEYWORD_ONLY)
        for name, hint in verb.arguments.items()
    ]
    expanded = [
        inspect.Parameter(
            slot.parameter,
            inspect.Parameter.KEYWORD_ONLY,
            default=None if slot.flag.metavar else False,
            annotation=_option(slot, forms),
        )
        for slot in verb.slots
    ]
    context = inspect.Parameter(
        "ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    # Typer reads this attribute, which Python documents and the types of functions do not have.
    cast("Any", run).__signature__ = inspect.Signature([context, *plain, *expanded])
    run.__annotations__ = {p.name: p.annotation for p in (context, *plain, *expanded)}
    return run


def _argument(hint: Any) -> Any:
    if get_origin(hint) is not Annotated:
        return hint
    kind, argument, *_ = get_args(hint)
    if not isinstance(argument, Argument):
        return hint
    made = typer.Argument(
        help=argument.help,
        metavar=argument.metavar,
        show_default=False,
        autocompletion=values(argument.complete) if argument.complete else None,
    )
    return Annotated[kind, made]


def _option(slot: Slot, forms: Sequence[str]) -> Any:
    """What Typer makes the flag of; `forms` are formats of this command alone."""
    flag = slot.flag
    kind: Any = list[str] if flag.repeats else str if flag.metavar else bool
    more = forms if flag.complete == "format" else ()
    option = typer.Option(
        *slot.names,
        help=flag.help,
        metavar=flag.metavar or None,
        rich_help_panel=flag.section,
        show_default=False,
        autocompletion=values(flag.complete, *more) if flag.complete else None,
    )
    return Annotated[kind if kind is bool else kind | None, option]

"""From a function with dataclass parameters to a command with flags, and back.

`def retry(inv, dlq_id, options: Annotated[MessageOptions, "dlq_retry"]) -> Result` becomes a Typer
command: each field of a dataclass is a flag whose text is read here, so that a mistake is told in
one way. A parameter that is no dataclass is Typer's as it stands.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast, get_type_hints

import typer
from typer.core import TyperCommand

from qstash_cli.commands import _github
from qstash_cli.commands._slots import build, is_group, slots_of
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.invocation import Invocation
from qstash_cli.output.formats import check
from qstash_cli.output.result import Result, View
from qstash_cli.run_options import AutomationOptions, ConnectionOptions, OutputOptions

OnError = Callable[[Invocation, QstashError], Result | None]


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


def group(text: str) -> typer.Typer:
    """A word of the command line, with this help; its verbs are added with `command`."""
    return typer.Typer(
        help=text,
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def command(
    app: typer.Typer,
    name: str | None = None,
    *,
    connects: bool = True,
    view: View | None = None,
    on_error: OnError | None = None,
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Adds a function to `app` as a command. One that does not connect has no connection flags.

    `view` lets `--columns` be checked before anything is sent. `on_error` may make a result of what
    is wrong with a flag's value or goes wrong in the function; None leaves it an error.
    """

    def add(function: Callable[..., Result]) -> Callable[..., Result]:
        app.command(
            name or function.__name__.strip("_"),
            cls=SectionedCommand,
            context_settings={"help_option_names": ["-h", "--help"]},
        )(_with_flags(function, connects=connects, view=view, on_error=on_error))
        return function

    return add


def _with_flags(
    function: Callable[..., Result], *, connects: bool, view: View | None, on_error: OnError | None
) -> Callable[..., Result]:
    hints = get_type_hints(function, include_extras=True)
    del hints["return"]
    parameters = dict(list(inspect.signature(function).parameters.items())[1:])
    everywhere: dict[str, Any] = {"output": OutputOptions, "automation": AutomationOptions}
    if connects:
        everywhere["connection"] = ConnectionOptions
    groups = {name: hints[name] for name in parameters if is_group(hints[name])} | everywhere

    def answer(inv: Invocation, values: Mapping[str, Any]) -> Result:
        now = inv.now()
        # The way to show an error is known before any other flag can be wrong.
        inv.output = build(OutputOptions, "output", values, now)
        check(inv.output.format, inv.output.query, inv.output.columns, view)
        inv.automation = build(AutomationOptions, "automation", values, now)
        _github.check(inv)
        if connects:
            inv.connection = build(ConnectionOptions, "connection", values, now)
            _check_preview(inv, view)
        own = {
            name: build(hints[name], name, values, now) if name in groups else values[name]
            for name in parameters
        }
        return function(inv, **own)

    @functools.wraps(function)
    def run(ctx: typer.Context, **values: Any) -> Result:
        try:
            return answer(ctx.obj, values)
        except QstashError as error:
            result = on_error(ctx.obj, error) if on_error else None
            if result is None:
                raise
            return result

    plain = [p.replace(annotation=hints[n]) for n, p in parameters.items() if n not in groups]
    expanded = [
        inspect.Parameter(
            slot.parameter,
            inspect.Parameter.KEYWORD_ONLY,
            default=None if slot.flag.metavar else False,
            annotation=slot.annotation(view.forms if view else ()),
        )
        for name, hint in groups.items()
        for slot in slots_of(hint)
    ]
    context = inspect.Parameter(
        "ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in plain]
    # Typer reads this attribute, which Python documents and the types of functions do not have.
    cast("Any", run).__signature__ = inspect.Signature([context, *keyword_only, *expanded])
    run.__annotations__ = {p.name: p.annotation for p in (context, *keyword_only, *expanded)}
    return run


def _check_preview(inv: Invocation, view: View | None) -> None:
    name = inv.output.format
    if inv.only_shows and view is not None and name in view.forms:
        raise BadInput(f"a request cannot be shown with -o {name}", hint=f"leave -o {name} away")

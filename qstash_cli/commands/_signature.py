"""From a function with dataclass parameters to a command with flags, and back.

`def retry(inv, dlq_id, options: Annotated[MessageOptions, "dlq_retry"]) -> Result` becomes a Typer
command: each field of a dataclass is a flag whose text is read here, so that a mistake is told in
one way. A parameter that is no dataclass is Typer's as it stands.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from qstash_cli.commands import _values
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.flags import Flag
from qstash_cli.invocation import Invocation
from qstash_cli.output.formats import check
from qstash_cli.output.result import Result, View
from qstash_cli.protocol.headers import parse_header
from qstash_cli.protocol.options import MessageOptions, Operation, table
from qstash_cli.run_options import ConnectionOptions, OutputOptions

_HEADER = Flag(
    help="Header for the destination; Upstash-* are for QStash",
    names=("-H", "--header"),
    metavar="'NAME: VALUE'",
    repeats=True,
    parse=lambda text, _now: parse_header(text),
    section="Message",
    complete="header",
)
OnError = Callable[[Invocation, QstashError], Result | None]
_FAMILIES = (
    ("on_callback", "callback", "Callback delivery"),
    ("on_failure_callback", "failure-callback", "Failure callback delivery"),
)


@dataclass(frozen=True)
class _Slot:
    """One flag on the command line: Typer's parameter name, and what it says."""

    parameter: str
    flag: Flag

    @property
    def names(self) -> tuple[str, ...]:
        return self.flag.names or (f"--{self.parameter.replace('_', '-')}",)

    def annotation(self, forms: Sequence[str]) -> Any:
        """What Typer makes the flag of; `forms` are formats of this command alone."""
        kind: Any = list[str] if self.flag.repeats else str if self.flag.metavar else bool
        option = typer.Option(
            *self.names,
            help=self.flag.help,
            metavar=self.flag.metavar or None,
            rich_help_panel=self.flag.section,
            show_default=False,
            autocompletion=self._completer(forms),
        )
        return Annotated[kind if kind is bool else kind | None, option]

    def _completer(self, forms: Sequence[str]) -> _values.Completer | None:
        if not self.flag.complete:
            return None
        more = forms if self.flag.complete == "format" else ()
        return _values.values(self.flag.complete, *more)

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
    everywhere = {"output": OutputOptions} | ({"connection": ConnectionOptions} if connects else {})
    groups = {name: hints[name] for name in parameters if _is_group(hints[name])} | everywhere

    def answer(inv: Invocation, values: Mapping[str, Any]) -> Result:
        now = inv.now()
        # The way to show an error is known before any other flag can be wrong.
        inv.output = _build(OutputOptions, "output", values, now)
        check(inv.output.format, inv.output.query, inv.output.columns, view)
        if connects:
            inv.connection = _build(ConnectionOptions, "connection", values, now)
            _check_preview(inv, view)
        own = {
            name: _build(hints[name], name, values, now) if name in groups else values[name]
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
        for slot in _slots(hint)
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


def _is_group(hint: Any) -> bool:
    return is_dataclass(_plain_type(hint))


def _plain_type(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _slots(hint: Any) -> Iterator[_Slot]:
    kind = _plain_type(hint)
    if kind is not MessageOptions:
        yield from (_Slot(f.name, f.metadata["flag"]) for f in fields(kind))
        return
    operation: Operation = get_args(hint)[1]
    yield from (slot for _, slot in _message_slots(operation))
    yield _Slot("header", _HEADER)
    for _, prefix, section in _FAMILIES:
        yield from (slot for _, slot in _callback_slots(prefix, section))


def _message_slots(operation: Operation) -> Iterator[tuple[str, _Slot]]:
    for name, option in table():
        if operation in option.on:
            yield name, _option_slot(name, option, "", "Message")


def _callback_slots(prefix: str, section: str) -> Iterator[tuple[str, _Slot]]:
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
    yield "headers", _Slot(f"{prefix}-header".replace("-", "_"), flag)


def _option_slot(name: str, option: Any, prefix: str, section: str) -> _Slot:
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
    return _Slot(long.removeprefix("--").replace("-", "_"), flag)


_SHORT = {"--method": "-X"}


def _build(hint: Any, name: str, values: Mapping[str, Any], now: float) -> Any:
    kind = _plain_type(hint)
    if kind is MessageOptions:
        return _build_message(get_args(hint)[1], values, now)
    try:
        read = {slot.parameter: slot.read(values[slot.parameter], now) for slot in _slots(kind)}
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
    headers = _Slot("header", _HEADER).read(values["header"], now)
    return MessageOptions(**own, **families, headers=headers)


def _read(
    slots: Iterator[tuple[str, _Slot]], values: Mapping[str, Any], now: float
) -> dict[str, Any]:
    found = {}
    for name, slot in slots:
        value = slot.read(values[slot.parameter], now)
        if value is None or value is False or value == ():
            continue
        is_nested = slot.flag.repeats and slot.parameter.rpartition("_")[2] != "header"
        found[name] = tuple(i for items in value for i in items) if is_nested else value
    return found

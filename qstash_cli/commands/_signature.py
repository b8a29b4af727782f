"""The commands: a function with dataclass parameters is a verb of a word, its fields are flags.

`def retry(inv, dlq_id, options: Annotated[MessageOptions, "dlq_retry"]) -> Result` becomes a
command: each field of a dataclass is a flag whose text is read here, so that a mistake is told in
one way. A parameter that is no dataclass is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from functools import cached_property
from inspect import signature
from typing import Any, get_type_hints

from qstash_cli.commands import _github
from qstash_cli.commands._slots import Slot, build, is_group, slots_of
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.frozen import dataclass
from qstash_cli.invocation import Invocation
from qstash_cli.output.formats import check
from qstash_cli.output.result import Result, View
from qstash_cli.run_options import AutomationOptions, ConnectionOptions, OutputOptions

OnError = Callable[[Invocation, QstashError], Result | None]


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One command. One that does not connect has no connection flags.

    `view` lets `--columns` be checked before anything is sent. `on_error` may make a result of what
    is wrong with a flag's value or goes wrong in the function; None leaves it an error.
    """

    name: str
    function: Callable[..., Result]
    connects: bool
    view: View | None
    on_error: OnError | None

    @cached_property
    def _hints(self) -> dict[str, Any]:
        hints = get_type_hints(self.function, include_extras=True)
        # The first one is the invocation.
        return {name: hints[name] for name in list(signature(self.function).parameters)[1:]}

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """The types of the arguments by their names."""
        return {name: hint for name, hint in self._hints.items() if not is_group(hint)}

    @cached_property
    def groups(self) -> dict[str, Any]:
        """The option dataclasses by the names of their parameters."""
        return {name: hint for name, hint in self._hints.items() if is_group(hint)}

    @property
    def slots(self) -> list[Slot]:
        """All flags, in the order of the help."""
        connection = [ConnectionOptions] if self.connects else []
        hints = [*self.groups.values(), OutputOptions, AutomationOptions, *connection]
        return [slot for hint in hints for slot in slots_of(hint)]


@dataclass(frozen=True)
class Word:
    """A word of the command line, its help, and its verbs. A single verb is the word itself."""

    help: str
    verbs: list[Verb] = field(default_factory=list)


def group(text: str) -> Word:
    """A word of the command line, with this help; its verbs are added with `command`."""
    return Word(text)


def command(
    word: Word,
    name: str | None = None,
    *,
    connects: bool = True,
    view: View | None = None,
    on_error: OnError | None = None,
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Adds a function to `word` as a command."""

    def add(function: Callable[..., Result]) -> Callable[..., Result]:
        called = name or function.__name__.strip("_").replace("_", "-")
        word.verbs.append(
            Verb(name=called, function=function, connects=connects, view=view, on_error=on_error)
        )
        return function

    return add


def execute(verb: Verb, inv: Invocation, values: Mapping[str, Any]) -> Result:
    """What a command returns, given the text of each flag and argument. Raises `QstashError`."""
    try:
        return _executed(verb, inv, values)
    except QstashError as error:
        result = verb.on_error(inv, error) if verb.on_error else None
        if result is None:
            raise
        return result


def _executed(verb: Verb, inv: Invocation, values: Mapping[str, Any]) -> Result:
    now = inv.now()
    # The way to show an error is known before any other flag can be wrong.
    inv.output = build(OutputOptions, "output", values, now)
    check(inv.output.format, inv.output.query, inv.output.columns, verb.view)
    inv.automation = build(AutomationOptions, "automation", values, now)
    _github.check(inv)
    if verb.connects:
        inv.connection = build(ConnectionOptions, "connection", values, now)
        _check_preview(inv, verb.view)
    groups = {name: build(hint, name, values, now) for name, hint in verb.groups.items()}
    return verb.function(inv, **{name: values[name] for name in verb.arguments}, **groups)


def _check_preview(inv: Invocation, view: View | None) -> None:
    name = inv.output.format
    if inv.only_shows and view is not None and name in view.forms:
        raise BadInput(f"a request cannot be shown with -o {name}", hint=f"leave -o {name} away")

"""A command line read without Typer, whose import takes longer than most commands.

What is plainly right is read here. Whatever is not, from `--help` to a misspelt flag, is left to
Typer, which has the words for it; a test holds the two readings against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

from qstash_cli.commands._signature import Verb, Word
from qstash_cli.commands._slots import Slot
from qstash_cli.flags import Argument

_ONE = (str, str | None)
_MANY = (list[str], list[str] | None)


class _Unclear(Exception):
    """Typer is to read this."""


def read(word: Word, argv: Sequence[str]) -> tuple[Verb, dict[str, Any]] | None:
    """The verb that is called, and the texts of its flags and arguments as Typer gives them.

    None if that is for Typer to say.
    """
    try:
        verb, rest = _verb_of(word, argv)
        given, positional = _split(verb.slots, rest)
        return verb, {**given, **_arguments(verb, positional)}
    except _Unclear:
        return None


def _verb_of(word: Word, argv: Sequence[str]) -> tuple[Verb, Sequence[str]]:
    if len(word.verbs) == 1:
        return word.verbs[0], argv
    for verb in word.verbs:
        if argv and verb.name == argv[0]:
            return verb, argv[1:]
    raise _Unclear


def _split(slots: Sequence[Slot], argv: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    by_name = {name: slot for slot in slots for name in slot.names}
    given: dict[str, Any] = {slot.parameter: None if slot.flag.metavar else False for slot in slots}
    positional: list[str] = []
    rest = iter(argv)
    for text in rest:
        if text == "--":
            positional += rest
        elif len(text) < 2 or not text.startswith("-"):
            positional.append(text)
        else:
            _take(by_name, text, rest, given)
    return given, positional


def _take(
    by_name: Mapping[str, Slot], text: str, rest: Iterator[str], given: dict[str, Any]
) -> None:
    """Reads one flag, and its value from what follows if it is not in the same text."""
    name, value = parts(text)
    slot = by_name.get(name)
    if slot is None:
        raise _Unclear
    if not slot.flag.metavar:
        if value is not None:
            raise _Unclear
        given[slot.parameter] = True
        return
    if value is None:
        value = next(rest, None)
    if value is None:
        raise _Unclear
    if slot.flag.repeats:
        given[slot.parameter] = [*(given[slot.parameter] or ()), value]
    else:
        given[slot.parameter] = value


def parts(text: str) -> tuple[str, str | None]:
    """The name of a flag, and the value that stands in the same text, None if there is none."""
    if text.startswith("--"):
        name, equals, value = text.partition("=")
        return name, value if equals else None
    return text[:2], text[2:] or None


def _arguments(verb: Verb, positional: Sequence[str]) -> dict[str, Any]:
    rest = list(positional)
    given: dict[str, Any] = {}
    for name, hint in verb.arguments.items():
        if get_origin(hint) is not Annotated:
            raise _Unclear
        kind, argument, *_ = get_args(hint)
        if not isinstance(argument, Argument):
            raise _Unclear
        if kind in _ONE and rest:
            given[name] = rest.pop(0)
        elif kind in _MANY and rest:
            given[name], rest = rest, []
        elif type(None) in get_args(kind):
            given[name] = None
        else:
            raise _Unclear
    if rest:
        raise _Unclear
    return given

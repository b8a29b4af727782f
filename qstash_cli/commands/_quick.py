"""A command line read without Typer, whose import takes longer than most commands.

What is plainly right is read here. Whatever is not, from `--help` to a misspelt flag, is left to
Typer, which has the words for it; a test holds the two readings against each other. For completion,
a line that is not finished is read as far as it goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, get_args, get_origin

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


class Unfinished(NamedTuple):
    """What a line says so far: the texts of its flags, and its arguments.

    `waiting` is a flag at its end whose value is to come.
    """

    given: dict[str, Any]
    positional: list[str]
    waiting: Slot | None
    has_no_more_flags: bool


def unfinished(slots: Sequence[Slot], argv: Sequence[str]) -> Unfinished:
    """What `argv` says so far. What is not a flag of these is passed over."""
    by_name, given = _by_name(slots), _nothing(slots)
    positional: list[str] = []
    waiting: Slot | None = None
    rest = iter(argv)
    for text in rest:
        if text == "--":
            return Unfinished(given, [*positional, *rest], None, has_no_more_flags=True)
        if _is_flag(text):
            waiting = _waiting(by_name, text, rest, given)
        else:
            positional.append(text)
    return Unfinished(given, positional, waiting, has_no_more_flags=False)


def _waiting(
    by_name: Mapping[str, Slot], text: str, rest: Iterator[str], given: dict[str, Any]
) -> Slot | None:
    """Reads one flag, which is returned if nothing is left for its value."""
    try:
        _take(by_name, text, rest, given)
    except _Unclear:
        name, value = _parts(text)
        slot = by_name.get(name)
        if slot is None or slot.flag.metavar:
            return slot
        given[slot.parameter] = True
        if value and not text.startswith("--"):
            # Switches of one letter may stand together, as in -qv.
            return _waiting(by_name, f"-{value}", rest, given)
    return None


def _verb_of(word: Word, argv: Sequence[str]) -> tuple[Verb, Sequence[str]]:
    if len(word.verbs) == 1:
        return word.verbs[0], argv
    for verb in word.verbs:
        if argv and verb.name == argv[0]:
            return verb, argv[1:]
    raise _Unclear


def _split(slots: Sequence[Slot], argv: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    by_name, given = _by_name(slots), _nothing(slots)
    positional: list[str] = []
    rest = iter(argv)
    for text in rest:
        if text == "--":
            positional += rest
        elif _is_flag(text):
            _take(by_name, text, rest, given)
        else:
            positional.append(text)
    return given, positional


def _by_name(slots: Sequence[Slot]) -> dict[str, Slot]:
    return {name: slot for slot in slots for name in slot.names}


def _nothing(slots: Sequence[Slot]) -> dict[str, Any]:
    return {slot.parameter: None if slot.flag.metavar else False for slot in slots}


def _is_flag(text: str) -> bool:
    return len(text) > 1 and text.startswith("-")


def _take(
    by_name: Mapping[str, Slot], text: str, rest: Iterator[str], given: dict[str, Any]
) -> None:
    """Reads one flag, and its value from what follows if it is not in the same text."""
    name, value = _parts(text)
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


def _parts(text: str) -> tuple[str, str | None]:
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

"""What may stand in the place of the word at the cursor, by the commands and what was typed before.

It is found without Typer, whose import takes longer than all of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, get_args, get_origin

from qstash_cli.commands._quick import parts
from qstash_cli.commands._signature import Verb, Word
from qstash_cli.commands._slots import Slot
from qstash_cli.flags import Argument
from qstash_cli.frozen import dataclass
from qstash_cli.invocation import Invocation

Value = tuple[str, str]
_HELP = ("-h", "--help")
_HELP_TEXT = "Show this message and exit."


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of the command line: their help lines, their other names, and how one is loaded."""

    helps: Mapping[str, str]
    other_names: Mapping[str, str]
    load: Callable[[str], Word]


@dataclass(frozen=True, kw_only=True)
class Offered:
    """Values with descriptions. `before` is what the word has that stays; `metavar` says what kind
    of value it is, empty if it is none.
    """

    values: tuple[Value, ...]
    before: str = ""
    metavar: str = ""


@dataclass(kw_only=True)
class _Typed:
    """What was typed of a verb. `open` is the flag whose value comes next."""

    given: dict[str, Any] = field(default_factory=dict)
    positional: list[str] = field(default_factory=list)
    open: Slot | None = None
    only_arguments: bool = False


def offered(inv: Invocation, words: Words, args: Sequence[str], at: str) -> Offered | None:
    """What the unfinished word `at` may become behind these arguments, None if no command is
    called by them.
    """
    if not args:
        return _names(words.helps.items(), at)
    name = words.other_names.get(args[0], args[0])
    if name not in words.helps:
        return None
    word, rest = words.load(name), args[1:]
    if len(word.verbs) == 1:
        return _of_verb(inv, word.verbs[0], rest, at)
    if not rest:
        return _names(((verb.name, _summary(verb)) for verb in word.verbs), at)
    verb = next((one for one in word.verbs if one.name == rest[0]), None)
    return _of_verb(inv, verb, rest[1:], at) if verb else None


def _names(found: Iterable[Value], at: str) -> Offered:
    if at.startswith("-"):
        found = ((name, _HELP_TEXT) for name in _HELP)
    return Offered(values=tuple(one for one in found if one[0].startswith(at)))


def _summary(verb: Verb) -> str:
    return (verb.function.__doc__ or "").partition("\n")[0].rstrip(".")


def _of_verb(inv: Invocation, verb: Verb, args: Sequence[str], at: str) -> Offered:
    by_name = {name: slot for slot in verb.slots for name in slot.names}
    typed = _typed(by_name, args)
    if typed.open is None and at.startswith("-") and not typed.only_arguments:
        name, value = parts(at)
        if not at.startswith("--") or value is None:
            return Offered(values=tuple(_flags(verb, typed, at)))
        typed.open = by_name.get(name)
        before, at = f"{name}=", value
        return _of_slot(inv, verb, typed, at, before) if typed.open else Offered(values=())
    if typed.open is not None:
        return _of_slot(inv, verb, typed, at, "")
    return _of_argument(inv, verb, typed, at)


def _typed(by_name: Mapping[str, Slot], args: Sequence[str]) -> _Typed:
    typed = _Typed()
    rest = iter(args)
    for text in rest:
        if typed.only_arguments or len(text) < 2 or not text.startswith("-"):
            typed.positional.append(text)
        elif text == "--":
            typed.only_arguments = True
        else:
            _take(by_name, text, rest, typed)
    return typed


def _take(by_name: Mapping[str, Slot], text: str, rest: Iterator[str], typed: _Typed) -> None:
    slot, value = by_name.get(text), None
    if slot is None:
        name, value = parts(text)
        slot = by_name.get(name)
    if slot is None:
        return
    if not slot.flag.metavar:
        typed.given[slot.parameter] = True
        return
    value = next(rest, None) if value is None else value
    if value is None:
        typed.open = slot
    else:
        typed.given[slot.parameter] = value


def _flags(verb: Verb, typed: _Typed, at: str) -> Iterator[Value]:
    for slot in verb.slots:
        if slot.flag.repeats or slot.parameter not in typed.given:
            yield from ((n, slot.flag.help) for n in slot.names if n.startswith(at))
    yield from ((name, _HELP_TEXT) for name in _HELP if name.startswith(at))


def _of_slot(inv: Invocation, verb: Verb, typed: _Typed, at: str, before: str) -> Offered:
    slot = typed.open
    assert slot is not None  # noqa: S101 - its callers have looked
    forms = verb.view.forms if verb.view and slot.flag.complete == "format" else ()
    found = [*_values(inv, slot.flag.complete, typed, at), *((form, "") for form in forms)]
    return Offered(
        values=tuple(one for one in found if one[0].startswith(at)),
        before=before,
        metavar=slot.flag.metavar,
    )


def _of_argument(inv: Invocation, verb: Verb, typed: _Typed, at: str) -> Offered:
    left = len(typed.positional)
    for hint in verb.arguments.values():
        kind, argument = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, None)
        is_list = list[str] in (kind, *get_args(kind))
        if not (is_list or left == 0):
            left -= 1
            continue
        if not isinstance(argument, Argument):
            break
        taken = typed.positional[len(typed.positional) - left :]
        found = _values(inv, argument.complete, typed, at)
        return Offered(
            values=tuple(one for one in found if one[0] not in taken), metavar=argument.metavar
        )
    return Offered(values=())


def _values(inv: Invocation, kind: str, typed: _Typed, at: str) -> Iterator[Value]:
    if kind:
        from qstash_cli.commands._completed_values import values_of

        yield from values_of(kind, inv, typed.given, at)

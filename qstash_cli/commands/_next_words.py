"""What may come next on a command line: a word, a verb, a flag, or the value of one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, get_args

from qstash_cli.commands._completed_values import Value, values_of
from qstash_cli.commands._quick import Unfinished, unfinished
from qstash_cli.commands._signature import Verb, Word
from qstash_cli.commands._slots import Slot
from qstash_cli.flags import Argument, Flag
from qstash_cli.invocation import Invocation

_HELP = Slot("help", Flag(help="Show this message and exit", names=("--help", "-h")))


class Words(NamedTuple):
    """The words of the command line with a line on each, and how one is found by any name."""

    lines: Mapping[str, str]
    find: Callable[[str], Word | None]


class Offer(NamedTuple):
    """What may stand in place of the unfinished text, each with a description; else files."""

    values: Sequence[Value]
    takes_files: bool = False


def offer(inv: Invocation, words: Words, argv: Sequence[str], text: str) -> Offer | None:
    """What may come after `argv` and begins with `text`, None after what no command is called."""
    argv = _without_help(argv)
    if not argv:
        return Offer(_named(words.lines.items(), text))
    word = words.find(argv[0])
    if word is None:
        return None
    rest = argv[1:]
    if len(word.verbs) == 1:
        return _of_verb(inv, word.verbs[0], rest, text)
    rest = _without_help(rest)
    if not rest:
        return Offer(_named(((verb.name, _line(verb)) for verb in word.verbs), text))
    verb = next((verb for verb in word.verbs if verb.name == rest[0]), None)
    return _of_verb(inv, verb, rest[1:], text) if verb else None


def _without_help(argv: Sequence[str]) -> Sequence[str]:
    while argv and argv[0] in _HELP.names:
        argv = argv[1:]
    return argv


def _named(names: Iterable[Value], text: str) -> list[Value]:
    if text.startswith("-"):
        return list(_flags([_HELP], {}, text))
    return [(name, line) for name, line in names if name.startswith(text)]


def _line(verb: Verb) -> str:
    return (inspect.getdoc(verb.function) or "").partition("\n")[0].rstrip(".")


def _of_verb(inv: Invocation, verb: Verb, argv: Sequence[str], text: str) -> Offer:
    slots = [*verb.slots, _HELP]
    line = unfinished(slots, argv)
    slot = line.waiting
    if slot is not None:
        return _of_flag(inv, verb, line, slot, text)
    if text.startswith("-") and not line.has_no_more_flags:
        name, equals, value = text.partition("=")
        if not equals:
            return Offer(list(_flags(slots, line.given, text)))
        slot = next((s for s in slots if name in s.names and s.flag.metavar), None)
        if slot is not None:
            found = _of_flag(inv, verb, line, slot, value)
            return found._replace(values=[(f"{name}={v}", said) for v, said in found.values])
    return _of_argument(inv, verb, line, text)


def _flags(slots: Sequence[Slot], given: Mapping[str, object], text: str) -> Iterator[Value]:
    for slot in slots:
        if slot.flag.repeats or not given.get(slot.parameter):
            yield from ((name, slot.flag.help) for name in slot.names if name.startswith(text))


def _of_flag(inv: Invocation, verb: Verb, line: Unfinished, slot: Slot, text: str) -> Offer:
    kind = slot.flag.complete
    values = list(values_of(kind, inv, line.given, text)) if kind else []
    if kind == "format" and verb.view is not None:
        values += [(form, "") for form in verb.view.forms if form.startswith(text)]
    return Offer(values, _is_file(slot.flag.metavar))


def _of_argument(inv: Invocation, verb: Verb, line: Unfinished, text: str) -> Offer:
    """The values of the argument that the next text is, or nothing if there is none."""
    rest = line.positional
    for hint in verb.arguments.values():
        kind, argument, *_ = get_args(hint)
        is_list = list[str] in (kind, *get_args(kind))
        if not rest or is_list:
            return _of_one(inv, argument, line, text, taken=rest)
        rest = rest[1:]
    return Offer([])


def _of_one(
    inv: Invocation, argument: Argument, line: Unfinished, text: str, *, taken: Sequence[str]
) -> Offer:
    kind = argument.complete
    found = values_of(kind, inv, line.given, text) if kind else ()
    values = [(value, said) for value, said in found if value not in taken]
    return Offer(values, _is_file(argument.metavar))


def _is_file(metavar: str) -> bool:
    return "FILE" in metavar or "CMD" in metavar or metavar in {"TEXT", "JSON"}

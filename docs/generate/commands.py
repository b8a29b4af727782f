"""The reference of commands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from docs.generate.markdown import anchor, code, page, prose, table
from qstash_cli.cli.index import ALIASES, INDEX, Entry
from qstash_cli.cli.options import CliOption
from qstash_cli.cli.parser import root_options
from qstash_cli.cli.registry import Command
from qstash_cli.protocol.options import CALLBACK_FAMILIES

_EVERYWHERE = "Options of every command"
_COMMON = {option.flag.section for option in root_options()}
_FAMILIES = {family.section for family in CALLBACK_FAMILIES}


def commands() -> str:
    """Returns the page: an overview by section, every command, and the common options."""
    return page(
        "Commands",
        "Look up the arguments, options and examples of every command. `qstash COMMAND --help` "
        "prints the same on your terminal.",
        *_overview(),
        *(part for entry in INDEX.entries for part in _entry(entry)),
        f"## {_EVERYWHERE}",
        "They are accepted before or after the command.",
        *_by_section(root_options()),
    )


def _overview() -> Iterator[str]:
    for section in dict.fromkeys(entry.section for entry in INDEX.entries):
        rows = [
            (f"[{entry.name}](#{anchor(f'qstash {entry.name}')})", prose(entry.help))
            for entry in INDEX.entries
            if entry.section == section
        ]
        yield table((section, ""), rows)


def _entry(entry: Entry) -> Iterator[str]:
    yield f"## qstash {entry.name}"
    names = [name for name, _ in INDEX.commands_of(entry)]
    if entry.name not in names:
        yield f"{prose(entry.help)}."
    aliases = [code(f"qstash {one}") for one, name in ALIASES.items() if name == entry.name]
    if aliases:
        yield f"Also: {', '.join(aliases)}."
    for name, command in INDEX.commands_of(entry):
        if name != entry.name:
            yield f"### qstash {name}"
        yield from _command(name, command)


def _command(name: str, command: Command) -> Iterator[str]:
    words, _, examples = command.help.partition("\b\n")
    places = [one.usage for one in command.arguments]
    yield f"```text\n{' '.join(['qstash', name, *places, '[OPTIONS]'])}\n```"
    yield from (prose(" ".join(one.split())) for one in re.split(r"\n\s*\n", words.strip()))
    if command.arguments:
        rows = [(code(one.usage), prose(one.argument.help)) for one in command.arguments]
        yield table(("Argument", ""), rows)
    own = [one for one in command.options if one.flag.section not in _COMMON | _FAMILIES]
    yield from _by_section(own)
    if any(one.flag.section in _FAMILIES for one in command.options):
        yield (
            f"The options `--callback-*` and `--failure-callback-*` are listed in "
            f"[message options](message-options.md). [{_EVERYWHERE}](#{anchor(_EVERYWHERE)}) apply."
        )
    yield f"```sh\n{examples.strip()}\n```"


def _by_section(options: Iterable[CliOption]) -> Iterator[str]:
    options = list(options)
    for section in dict.fromkeys(one.flag.section for one in options):
        rows = [_row(one) for one in options if one.flag.section == section]
        yield table((section if section != "Options" else "Option", ""), rows)


def _row(option: CliOption) -> tuple[str, str]:
    names = ", ".join(code(name) for name in option.names)
    value = f" {code(option.flag.metavar)}" if option.flag.metavar else ""
    return names + value, prose(option.flag.help)

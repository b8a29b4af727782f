"""The help texts, made from the registry.

They do without Typer, which imports pydantic for the type of every option: that took four times as
long as the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qstash_cli.cli.flags import Flag
from qstash_cli.cli.index import EXAMPLES, CommandIndex
from qstash_cli.cli.options import CALLBACK_FAMILIES, CliOption
from qstash_cli.cli.parser import parse, root_options
from qstash_cli.cli.registry import Command, CommandGroup
from qstash_cli.output.help_page import HelpPage, HelpSection

_HELP = CliOption("help", Flag("Display this help", names=("-h", "--help")))
_SUMMARY = "Operate Upstash QStash: publish, inspect, replay and verify messages."
_FOOTER = "`qstash COMMAND --help` describes a command, `qstash help` lists the topics."
_FAMILY_ROWS = (
    ("--callback-*", "Options of the callback's own delivery, and those"),
    ("--failure-callback-*", "of the failure callback's: `qstash help callbacks`"),
)


class RequestedHelp(NamedTuple):
    """A help text, and the exit code: 2 where it stands for a missing command."""

    page: HelpPage
    exit_code: int


def requested_help(index: CommandIndex, argv: Sequence[str]) -> RequestedHelp | None:
    """The help that a command line asks for, None for any other line and for a mistake in it."""
    names = set(_HELP.names)
    if not argv or (len(argv) == 1 and argv[0] in names):
        return RequestedHelp(_page_of_all(index), 0 if argv else 2)
    name = index.name_of(argv[0])
    if name is None:
        return None
    group, rest = index.group(name), argv[1:]
    command = group.only_command
    if command is None:
        if not rest or rest[0] in names:
            return RequestedHelp(_page_of_group(index, name, group), 0 if rest else 2)
        command, rest, name = group.find(rest[0]), rest[1:], f"{name} {rest[0]}"
    if command is None or not names & set(rest):
        return None
    line = parse((*command.options, _HELP), rest)
    if line.has_mistake or line.open_option is not None or not line.values["help"]:
        return None
    return RequestedHelp(_page_of_command(name, command), 0)


def _page_of_all(index: CommandIndex) -> HelpPage:
    titles = dict.fromkeys(entry.section for entry in index.entries)
    return HelpPage(
        usage="qstash [OPTIONS] COMMAND [ARGS]...",
        text=_SUMMARY,
        sections=[
            HelpSection(title, [(e.name, e.help) for e in index.entries if e.section == title])
            for title in titles
        ],
        examples=EXAMPLES.splitlines(),
        footer=_FOOTER,
    )


def _page_of_group(index: CommandIndex, name: str, group: CommandGroup) -> HelpPage:
    rows = [(command.name, command.summary) for command in group.commands]
    return HelpPage(
        usage=f"qstash {name} [OPTIONS] COMMAND [ARGS]...",
        text=f"{index.helps[name]}.",
        sections=[HelpSection("Commands", rows)],
        examples=(),
        footer=f"`qstash {name} COMMAND --help` describes a command.",
    )


def _page_of_command(name: str, command: Command) -> HelpPage:
    text, _, examples = command.help.partition("\b\n")
    usage = " ".join([f"qstash {name} [OPTIONS]", *(one.usage for one in command.arguments)])
    arguments = [
        (one.argument.metavar, _with_mark(one.argument.help, is_required=one.is_required))
        for one in command.arguments
    ]
    sections = [HelpSection("Arguments", arguments)] if arguments else []
    return HelpPage(
        usage=usage,
        text=text,
        sections=[*sections, *option_sections(command.options)],
        examples=examples.strip().splitlines(),
    )


def _with_mark(text: str, *, is_required: bool) -> str:
    return f"{text} [required]" if is_required else text


def option_sections(options: Sequence[CliOption]) -> Iterator[HelpSection]:
    """A command's options by section. Those of callbacks and of every command are only named."""
    families = {family.section for family in CALLBACK_FAMILIES}
    common = {option.flag.section for option in root_options()}
    sections = dict.fromkeys(option.flag.section for option in options)
    for title in sections:
        if title not in families | common:
            rows = [option_row(one) for one in options if one.flag.section == title]
            has_callbacks = title == "Message" and families & set(sections)
            yield HelpSection(title, [*rows, *(_FAMILY_ROWS if has_callbacks else ())])
    yield HelpSection(
        "Options of every command (`qstash help options`)",
        [(title, _names(options, title)) for title in sections if title in common],
    )


def option_row(option: CliOption) -> tuple[str, str]:
    """An option's names with its value, and its description."""
    names = ", ".join(option.names)
    return f"{names} {option.flag.metavar}".strip(), option.flag.help


def _names(options: Sequence[CliOption], title: str) -> str:
    return ", ".join(one.names[0] for one in options if one.flag.section == title)

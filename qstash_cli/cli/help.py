"""Recognizes command lines that ask for help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qstash_cli.cli.flags import Flag
from qstash_cli.cli.index import CommandIndex
from qstash_cli.cli.options import CliOption
from qstash_cli.cli.parser import parse, root_options

_HELP = CliOption("help", Flag("Show this message and exit.", names=("-h", "--help")))


class RequestedHelp(NamedTuple):
    """The path of the command to display help for; empty for the help of `qstash` itself.

    The exit code is 2 if the help replaces a missing command.
    """

    path: tuple[str, ...]
    exit_code: int


def requested_help(index: CommandIndex, argv: Sequence[str]) -> RequestedHelp | None:
    """Returns the help that a valid command line asks for, otherwise None."""
    names = set(_HELP.names)
    if not argv or (len(argv) == 1 and argv[0] in names):
        return RequestedHelp((), 0 if argv else 2)
    if argv[0].startswith("-"):
        return RequestedHelp((), 0) if _has_help(root_options(), argv) else None
    name = index.name_of(argv[0])
    if name is None:
        return None
    _, command, below, rest = index.group(name).select(argv[1:])
    path = (name, *below)
    if command is None and (not rest or rest[0] in names):
        return RequestedHelp(path, 0 if rest else 2)
    if command is None or not names & set(rest):
        return None
    return RequestedHelp(path, 0) if _has_help(command.options, rest) else None


def _has_help(options: Sequence[CliOption], argv: Sequence[str]) -> bool:
    line = parse((*options, _HELP), argv)
    is_complete = not line.has_mistake and line.open_option is None
    return is_complete and bool(line.values["help"])

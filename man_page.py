"""Generates the man page from the commands when the wheel is built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qstash_cli import __version__
from qstash_cli.cli.index import EXAMPLES, INDEX
from qstash_cli.cli.options import CliOption
from qstash_cli.cli.parser import root_options
from qstash_cli.cli.registry import Command
from qstash_cli.commands.help.topics import ENVIRONMENT, EXIT_CODES, TOPICS

# The sections of the options that every command has.
_COMMON = {option.flag.section for option in root_options()}


def man_page() -> str:
    """Returns `qstash.1`, in the macros of man(7)."""
    return "\n".join(
        [
            f'.TH QSTASH 1 "" "qstash {__version__}" "User Commands"',
            ".SH NAME",
            r"qstash \- operate Upstash QStash",
            ".SH SYNOPSIS",
            r".B qstash",
            r"\fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]",
            ".SH DESCRIPTION",
            "Sends, schedules, inspects, replays and verifies messages of Upstash QStash, an",
            "HTTP message queue. Includes a compatible server for local development.",
            ".SH COMMANDS",
            *_commands(),
            ".SH OPTIONS OF EVERY COMMAND",
            *_common_options(),
            ".SH EXIT STATUS",
            *_entries((str(int(code)), words) for code, words in EXIT_CODES.items()),
            ".SH ENVIRONMENT",
            *_entries(ENVIRONMENT.items()),
            ".SH FILES",
            r"\fBconfig.toml\fR: the profiles; \fBqstash config path\fR prints its path.",
            ".br",
            r"\fBqstash.toml\fR in the working directory: the manifest for plan and apply.",
            ".SH FORMATS",
            *_verbatim(TOPICS["formatting"]()),
            ".SH RETRIES",
            *_verbatim(TOPICS["retries"]()),
            ".SH EXAMPLES",
            *_verbatim(EXAMPLES),
            "",
        ]
    )


def _commands() -> Iterator[str]:
    for entry in INDEX.entries:
        yield f".SS {_safe(entry.name)}"
        yield f"{_safe(entry.help)}."
        for name, command in INDEX.commands_of(entry):
            yield from _command(name, command)


def _command(name: str, command: Command) -> Iterator[str]:
    words, _, examples = command.help.partition("\b\n")
    places = " ".join(one.usage for one in command.arguments)
    yield ".PP"
    yield rf"\fBqstash {_safe(name)}\fR \fI{_safe(places)}\fR"
    yield ".PP"
    yield _safe(" ".join(words.split()))
    for option in command.options:
        if option.flag.section not in _COMMON:
            yield from _option(option)
    yield from _verbatim(examples)


def _common_options() -> Iterator[str]:
    section = ""
    for option in root_options():
        if option.flag.section != section:
            section = option.flag.section
            yield f".SS {section}"
        yield from _option(option)


def _option(option: CliOption) -> Iterator[str]:
    yield ".TP"
    names = ", ".join(rf"\fB{_safe(name)}\fR" for name in option.names)
    metavar = option.flag.metavar
    yield names + (rf" \fI{_safe(metavar)}\fR" if metavar else "")
    yield _safe(option.flag.help)


def _entries(pairs: Any) -> Iterator[str]:
    for name, words in pairs:
        yield ".TP"
        yield rf"\fB{_safe(name)}\fR"
        yield _safe(words)


def _verbatim(text: str) -> Iterator[str]:
    yield ".PP"
    yield ".nf"
    yield from (_safe(line) for line in text.strip().splitlines())
    yield ".fi"


def _safe(text: str) -> str:
    """Escapes text: a leading `.` or `'` starts a request, and `-` is typeset as a hyphen."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...")
    text = text.replace("'", r"\(aq").replace("`", r"\(ga").replace("^", r"\(ha")
    return re.sub(r"^\.", r"\&.", text.replace("~", r"\(ti"))

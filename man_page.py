"""The man page, made from the command line itself when the wheel is built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qstash_cli import __version__, cli
from qstash_cli.commands._topics import ENVIRONMENT, EXIT_CODES, TOPICS

# The sections of flags that are the same everywhere.
_COMMON = ("Output", "Connection")


def man_page() -> str:
    """`qstash.1`, in the macros of man(7)."""
    return "\n".join(
        [
            f'.TH QSTASH 1 "" "qstash {__version__}" "User Commands"',
            ".SH NAME",
            r"qstash \- operate Upstash QStash",
            ".SH SYNOPSIS",
            r".B qstash",
            r"\fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]",
            ".SH DESCRIPTION",
            "Sends, schedules, inspects, replays and verifies messages of Upstash QStash, a",
            "message queue spoken over HTTP, and brings a server of its own for tests.",
            ".SH COMMANDS",
            *_commands(),
            ".SH OPTIONS OF EVERY COMMAND",
            *_common_options(),
            ".SH EXIT STATUS",
            *_entries((str(int(code)), words) for code, words in EXIT_CODES.items()),
            ".SH ENVIRONMENT",
            *_entries(ENVIRONMENT.items()),
            ".SH FILES",
            r"\fBconfig.toml\fR, whose path \fBqstash config path\fR prints: the profiles.",
            ".br",
            r"\fBqstash.toml\fR in the working directory: the manifest of plan and apply.",
            ".SH FORMATS",
            *_verbatim(TOPICS["formatting"]()),
            ".SH RETRIES",
            *_verbatim(TOPICS["retries"]()),
            ".SH EXAMPLES",
            *_verbatim((cli.root().help or "").partition("\b\n")[2]),
            "",
        ]
    )


def _commands() -> Iterator[str]:
    for word, _, line in cli.COMMANDS:
        loaded = cli.load(word)
        yield f".SS {_safe(word)}"
        yield _safe(line) + "."
        if not hasattr(loaded, "commands"):
            yield from _command(word, loaded)
        for verb, command in getattr(loaded, "commands", {}).items():
            yield from _command(f"{word} {verb}", command)


def _command(name: str, command: Any) -> Iterator[str]:
    words, _, examples = (command.help or "").partition("\b\n")
    parameters = [p for p in command.params if _panel(p) not in _COMMON]
    places = " ".join(
        p.make_metavar(None) if not p.metavar else p.metavar
        for p in parameters
        if p.param_type_name == "argument"
    )
    yield ".PP"
    yield rf"\fBqstash {_safe(name)}\fR \fI{_safe(places)}\fR"
    yield ".PP"
    yield _safe(" ".join(words.split()))
    for option in parameters:
        if option.param_type_name == "option":
            yield from _option(option)
    yield from _verbatim(examples)


def _common_options() -> Iterator[str]:
    for panel in _COMMON:
        yield f".SS {panel}"
        for option in cli.load("api").params:
            if _panel(option) == panel:
                yield from _option(option)


def _panel(parameter: Any) -> str:
    return getattr(parameter, "rich_help_panel", None) or ""


def _option(option: Any) -> Iterator[str]:
    yield ".TP"
    names = ", ".join(rf"\fB{_safe(name)}\fR" for name in option.opts)
    yield names + (rf" \fI{_safe(option.metavar)}\fR" if option.metavar else "")
    yield _safe(option.help or "")


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
    """Text that is not taken for a request: `.` and `'` begin one, `-` is set as a hyphen."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...")
    text = text.replace("'", r"\(aq").replace("`", r"\(ga").replace("^", r"\(ha")
    return re.sub(r"^\.", r"\&.", text.replace("~", r"\(ti"))

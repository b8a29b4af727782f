"""Help texts: a usage line, paragraphs, and sections of terms with their descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

from qstash_cli.output.terminal import TerminalInfo

_MAX_WIDTH = 100
_MAX_TERM_WIDTH = 34
_INDENT = "  "
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


class HelpSection(NamedTuple):
    """Terms such as option names, each with its description."""

    title: str
    rows: Sequence[tuple[str, str]]


class HelpPage(NamedTuple):
    """What `--help` prints. `text` has paragraphs, `examples` are lines to copy."""

    usage: str
    text: str
    sections: Sequence[HelpSection]
    examples: Sequence[str]
    footer: str = ""


def help_lines(page: HelpPage, terminal: TerminalInfo) -> Iterator[str]:
    """The lines of a page, wrapped to the width of the terminal."""
    width = min(terminal.width, _MAX_WIDTH)
    bold, plain = (_BOLD, _PLAIN) if terminal.colour else ("", "")
    yield f"{bold}Usage:{plain} {page.usage}"
    for paragraph in re.split(r"\n\n+", page.text.strip()):
        yield ""
        yield from wrap(paragraph, width)
    for section in page.sections:
        yield ""
        yield f"{bold}{section.title}:{plain}"
        yield from section_lines(section, width)
    if page.examples:
        yield ""
        yield f"{bold}Examples:{plain}"
        yield from (f"{_INDENT}{line}".rstrip() for line in page.examples)
    if page.footer:
        yield ""
        yield from wrap(page.footer, width)


def section_lines(section: HelpSection, width: int) -> Iterator[str]:
    """The rows of a section. A term that is too long has a line of its own."""
    widths = [len(term) for term, _ in section.rows]
    column = min(max(widths, default=0), _MAX_TERM_WIDTH) + 2
    blank = " " * (len(_INDENT) + column)
    for term, description in section.rows:
        lines = wrap(description, max(20, width - len(blank)), break_on_hyphens=False) or [""]
        if len(term) + 2 > column:
            yield f"{_INDENT}{term}"
        else:
            yield f"{_INDENT}{term.ljust(column)}{lines.pop(0)}".rstrip()
        yield from (f"{blank}{line}" for line in lines)

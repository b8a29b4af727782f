"""Writes the blocks of a screen."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from qstash_cli.output.blocks import (
    Block,
    Commands,
    Headline,
    Labelled,
    Listing,
    Paragraph,
    Preformatted,
    Prompt,
    Row,
    Rule,
    Section,
)
from qstash_cli.output.console import rendered
from qstash_cli.output.safe import safe_text
from qstash_cli.output.states import state_style
from qstash_cli.output.terminal import UNLIMITED, TerminalInfo

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_INDENT = "  "
_CONTINUED = " \\"
_GAP = 2
_LEAST_TEXT = 12


def write_screen(blocks: Iterable[Block], out: TextIO, terminal: TerminalInfo) -> None:
    """Writes each block as soon as it is there."""
    for block in blocks:
        _write(block, out, terminal)
        out.flush()


def _write(block: Block, out: TextIO, terminal: TerminalInfo) -> None:
    match block:
        case Listing(data, view):
            from qstash_cli.output.result import Result
            from qstash_cli.output.table import write_table

            write_table(Result(data=data, view=view), out, terminal)
        case Preformatted(text):
            out.writelines(f"{safe_text(line, keep_newlines=True)}\n" for line in text.split("\n"))
        case Row() | Commands() | Prompt():
            out.write(_unwrapped(block, terminal))
        case _:
            out.write(_wrapped(block, terminal))


def _unwrapped(block: Row | Commands | Prompt, terminal: TerminalInfo) -> str:
    """Returns a block that is never cut or wrapped, so that it can be copied."""
    unlimited = terminal.without_width()
    match block:
        case Row():
            return rendered(_row(block, terminal), unlimited)
        case Commands(rows):
            return rendered(_commands(rows, terminal), unlimited)
        case Prompt(words):
            return "\n" + rendered(_prompt(words, terminal), unlimited)


def _wrapped(
    block: Headline | Section | Labelled | Rule | Paragraph, terminal: TerminalInfo
) -> str:
    match block:
        case Headline():
            return rendered(_headline(block, terminal), terminal.without_width())
        case Section("", ""):
            return "\n"
        case Section(title, note):
            return "\n" + rendered(_pair((title, "bold"), (note, "dim")), terminal)
        case Labelled(rows):
            return rendered(_labelled(rows), terminal)
        case Rule(title):
            return "\n" + rendered(_rule(title, terminal), terminal)
        case Paragraph(text):
            return rendered(_pair((text, "")), terminal)


def _pair(*parts: tuple[str, str]) -> Text:
    from rich.text import Text

    found = [(safe_text(text), style) for text, style in parts if text]
    return Text("  ").join(Text(text, style) for text, style in found)


def _row(block: Row, terminal: TerminalInfo) -> Text:
    from rich.cells import cell_len
    from rich.text import Text

    from qstash_cli.output.cells import format_cell

    prefix = sum(cell.width + _GAP for cell in block.cells)
    # On a narrow terminal, a line that is not aligned is easier to read than a broken one.
    is_aligned = not terminal.is_terminal or terminal.width >= prefix + _LEAST_TEXT
    text = Text()
    for value, width, cell_format in block.cells:
        cell = format_cell(value, cell_format, terminal)
        text.append(cell.brief, "bold" if block.is_header else cell.style)
        padding = max(0, width - cell_len(cell.brief)) + _GAP
        text.append(" " * (padding if is_aligned else 1))
    return text.append(safe_text(block.text), "bold" if block.is_header else "")


def _headline(block: Headline, terminal: TerminalInfo) -> Text:
    from rich.text import Text

    symbol, word, style = state_style(safe_text(block.state))
    shown = safe_text(block.word) or word
    if terminal.is_terminal and symbol:
        shown = f"{symbol} {shown}"
    # Wraps between words, but never within one: a URL that is copied from a terminal is whole.
    lines = textwrap.wrap(
        f"{shown}  {safe_text(block.text)}",
        width=max(1, terminal.width) if terminal.is_terminal else UNLIMITED,
        break_long_words=False,
        break_on_hyphens=False,
    )
    text = Text("\n".join(lines), "bold")
    text.stylize(style, 0, len(shown))
    return text


def _labelled(rows: tuple[tuple[str, str], ...]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in rows:
        # A style of the whole cell would apply to the spaces after its text, too.
        table.add_row(
            Text.assemble((f"{safe_text(label)}:", "bold yellow")),
            Text.assemble((safe_text(text), "bold")),
        )
    return table


def _commands(rows: tuple[tuple[str, str], ...], terminal: TerminalInfo) -> RenderableType:
    from rich.text import Text

    width = max((len(label) for label, _ in rows), default=0) + _GAP
    longest = max((len(command) for _, command in rows), default=0)
    is_wide = width + longest + len(_INDENT) <= terminal.width or not terminal.is_terminal
    text = Text()
    for label, command in rows:
        shown = (
            f"{_INDENT}{safe_text(label).ljust(width)}" if is_wide else f"# {safe_text(label)}\n"
        )
        text.append(shown, "dim").append(f"{safe_text(command)}\n", "cyan")
    text.rstrip()
    return text


def _rule(title: str, terminal: TerminalInfo) -> RenderableType:
    from rich.rule import Rule as RichRule
    from rich.text import Text

    text = Text(safe_text(title), "bold")
    if not terminal.is_terminal:
        return text
    return RichRule(text, align="left", style="dim")


def _prompt(words: tuple[str, ...], terminal: TerminalInfo) -> Text:
    """Returns the command with line breaks that a shell ignores when the lines are pasted."""
    from rich.text import Text

    room = terminal.width - len(_CONTINUED) if terminal.is_terminal else UNLIMITED
    lines = ["$"]
    for part in _parts(words, room - len(_INDENT) - 1):
        if len(lines[-1]) + 1 + len(part) > room and lines[-1] != "$":
            lines[-1] += _CONTINUED
            lines.append(f"{_INDENT} {part}")
        else:
            lines[-1] += f" {part}"
    return Text("\n".join(lines), "bold cyan")


def _parts(words: tuple[str, ...], room: int) -> list[str]:
    """Returns the quoted words; an option and its value are one part, if there is room for it."""
    parts: list[str] = []
    is_after_option = False
    for word in words:
        quoted = safe_text(shlex.quote(word))
        is_option = word.startswith("-")
        if is_after_option and not is_option and len(parts[-1]) + 1 + len(quoted) <= room:
            parts[-1] += f" {quoted}"
        else:
            parts.append(quoted)
        is_after_option = is_option
    return parts

"""Writes the blocks of a screen."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from qstash_cli.output.blocks import (
    Block,
    Chart,
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

    from qstash_cli.output.charts import Line

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
        case Chart(draw):
            out.writelines(rendered(_chart_line(line), terminal) for line in draw(terminal))
        case Preformatted(text):
            # Indented, so that no line of the text looks like a message of ours or of a CI system.
            lines = (safe_text(line.expandtabs(4)) for line in text.split("\n"))
            out.writelines(f"{_INDENT}{line}\n" for line in lines)
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
    unlimited = terminal.without_width()
    match block:
        case Headline():
            return rendered(_headline(block, terminal), unlimited)
        case Section("", ""):
            return "\n"
        case Section(title, note):
            text = _wrapped_text((title, "bold"), (note, "dim"), terminal)
            return "\n" + rendered(text, unlimited)
        case Labelled(rows):
            return rendered(_labelled(rows), terminal)
        case Rule(title):
            return "\n" + rendered(_rule(title, terminal), terminal)
        case Paragraph(sentence):
            return rendered(_wrapped_text((sentence, ""), ("", ""), terminal), unlimited)


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


def _chart_line(line: Line) -> Text:
    from rich.text import Text

    return Text.assemble(*((safe_text(text), style) for text, style in line))


def _headline(block: Headline, terminal: TerminalInfo) -> Text:
    symbol, word, style = state_style(safe_text(block.state))
    displayed = safe_text(block.word) or word
    if terminal.is_terminal and terminal.has_blocks and symbol:
        displayed = f"{symbol} {displayed}"
    return _wrapped_text((displayed, f"bold {style}"), (block.text, "bold"), terminal)


def _wrapped_text(first: tuple[str, str], second: tuple[str, str], terminal: TerminalInfo) -> Text:
    """Returns two texts with their styles, wrapped between words but never within one.

    A URL that is copied from the terminal is whole. Further lines are indented, so that no part of
    a text looks like a message of ours or of a CI system.
    """
    from rich.text import Text

    lines = textwrap.wrap(
        "  ".join(safe_text(text) for text, _ in (first, second) if text),
        width=max(1, terminal.width) if terminal.is_terminal else UNLIMITED,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    text, length = Text("\n".join(lines)), len(safe_text(first[0]))
    text.stylize(first[1], 0, length)
    text.stylize(second[1], length)
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

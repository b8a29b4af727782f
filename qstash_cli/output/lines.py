"""Writes lines for people, with colours if the terminal has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TextIO

from qstash_cli.output.result import Line, Style
from qstash_cli.output.safe import safe_text
from qstash_cli.output.terminal import TerminalInfo

_STYLES: Mapping[Style, str] = {
    "plain": "", "added": "green", "changed": "yellow", "removed": "red",
}  # fmt: skip


def write_lines(lines: Iterable[Line], out: TextIO, terminal: TerminalInfo) -> None:
    """Writes lines, each escaped for a terminal, in a pipe too."""
    if not terminal.colour:
        out.writelines(f"{safe_text(line.text)}\n" for line in lines)
        return
    from rich.text import Text

    from qstash_cli.output.console import rendered

    # The terminal wraps the line, so that a copied line is complete.
    unlimited = terminal.without_width()
    texts = (Text.assemble((safe_text(line.text), _STYLES[line.style])) for line in lines)
    out.writelines(rendered(text, unlimited) for text in texts)

"""Lines for people, in colours where there are some."""

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
    """Writes the lines, each made safe for a terminal, as they are in a pipe too."""
    if not terminal.colour:
        out.writelines(f"{safe_text(line.text)}\n" for line in lines)
        return
    from rich.text import Text

    from qstash_cli.output.console import rendered

    # The terminal wraps: a line that is copied from it is whole.
    unlimited = terminal.without_width()
    texts = (Text.assemble((safe_text(line.text), _STYLES[line.style])) for line in lines)
    out.writelines(rendered(text, unlimited) for text in texts)

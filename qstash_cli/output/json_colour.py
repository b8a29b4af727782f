"""Colours JSON for a terminal. The text itself does not change."""

from __future__ import annotations

import re
from collections.abc import Callable

from qstash_cli.output.terminal import TerminalInfo

_STYLES = {"key": "bold", "string": "green", "number": "cyan", "boolean": "magenta", "null": "dim"}
# Possessive, so that a string of megabytes needs no backtracking.
_STRING = r'"(?:[^"\\]++|\\.)*+"'
_TOKENS = (
    rf"(?P<key>{_STRING})(?=:)|(?P<string>{_STRING})|(?P<number>-?[0-9][0-9.eE+-]*+)"
    "|(?P<boolean>true|false)|(?P<null>null)"
)


def json_painter(terminal: TerminalInfo) -> Callable[[str], str]:
    """Returns a function that colours JSON text, or returns it unchanged without colour."""
    if not terminal.colour:
        return str
    from rich.text import Text

    from qstash_cli.output.console import console_of

    console, tokens = console_of(terminal), re.compile(_TOKENS)

    def paint(json_text: str) -> str:
        text = Text(json_text)
        for found in tokens.finditer(json_text):
            text.stylize(_STYLES[found.lastgroup or ""], *found.span())
        with console.capture() as captured:
            # The terminal wraps long lines, so that copied JSON is whole.
            console.print(text, soft_wrap=True, end="")
        return captured.get()

    return paint

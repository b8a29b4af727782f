"""Draws a share as a bar."""

from __future__ import annotations

from qstash_cli.output.console import rendered
from qstash_cli.output.terminal import TerminalInfo

_CELLS = 20


def bar(share: float, terminal: TerminalInfo) -> str:
    """Returns a bar of up to twenty cells for a share from 0 to 1."""
    from rich.bar import Bar

    drawn = Bar(size=1, begin=0, end=min(max(share, 0), 1), width=_CELLS)
    return rendered(drawn, terminal._replace(colour=False)).rstrip()

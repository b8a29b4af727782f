"""A share as a bar."""

from __future__ import annotations

from qstash_cli.output.console import rendered
from qstash_cli.output.terminal import TerminalInfo

_CELLS = 20


def bar(share: float, terminal: TerminalInfo, cells: int = _CELLS) -> str:
    """Returns a bar of up to `cells` cells for a share from 0 to 1.

    A share above 0 is always visible. The bar is made of `#` where blocks cannot be encoded.
    """
    share = min(max(share, 0), 1)
    if not terminal.has_blocks:
        return "#" * max(round(share * cells), int(share > 0))
    from rich.bar import Bar

    smallest = 1 / (8 * cells)
    drawn = Bar(size=1, begin=0, end=max(share, smallest) if share else 0, width=cells)
    return rendered(drawn, terminal._replace(colour=False)).rstrip()

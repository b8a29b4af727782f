"""A share as a bar."""

from __future__ import annotations

_CELLS = 20


def bar(share: float) -> str:
    """A bar of up to twenty cells for a share from 0 to 1."""
    from rich.bar import Bar
    from rich.console import Console

    drawn = Bar(size=1, begin=0, end=min(max(share, 0), 1), width=_CELLS)
    console = Console(width=_CELLS, color_system=None, legacy_windows=False, _environ={})
    return "".join(segment.text for segment in console.render(drawn)).rstrip()

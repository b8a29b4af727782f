"""Rich's console for a stream, and what it renders as text."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from qstash_cli.output.look import Look

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# Wider than any line, for streams that do not wrap.
UNLIMITED = 1 << 20


def console_of(look: Look) -> Console:
    """A console that renders into memory, as wide and colourful as a stream.

    A stream that is not a terminal has no width: nothing is cut there.
    """
    from rich.console import Console

    return Console(
        file=StringIO(),
        width=look.width if look.is_terminal else UNLIMITED,
        color_system="standard" if look.colour else None,
        no_color=not look.colour,
        force_terminal=look.colour,
        force_jupyter=False,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )


def rendered(renderable: RenderableType, look: Look) -> str:
    """The text of something that Rich can render, without blanks at the ends of lines."""
    console = console_of(look)
    with console.capture() as captured:
        console.print(renderable)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())

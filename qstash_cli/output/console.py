"""Renders with Rich, in the width and colours of a stream."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

from qstash_cli.output.terminal import UNLIMITED, TerminalInfo

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def console_of(terminal: TerminalInfo) -> Console:
    """Returns a console that renders into memory, with the width and colours of a stream.

    A stream that is not a terminal has no width, so nothing is shortened.
    """
    from rich.console import Console

    return Console(
        file=StringIO(),
        width=terminal.width if terminal.is_terminal else UNLIMITED,
        color_system="standard" if terminal.colour else None,
        no_color=not terminal.colour,
        force_terminal=terminal.colour,
        force_jupyter=False,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )


def rendered(renderable: RenderableType, terminal: TerminalInfo) -> str:
    """Renders an object to text without trailing spaces."""
    console = console_of(terminal)
    with console.capture() as captured:
        console.print(renderable)
    # Behind the spaces may be escape sequences, which end a style.
    return "".join(
        re.sub(r" +((?:\x1b\[[0-9;]*m)*)$", r"\1", line) + "\n"
        for line in captured.get().splitlines()
    )

"""Lines for people: their colours, and untrusted text in them."""

from __future__ import annotations

import io
from datetime import UTC

import pytest

from qstash_cli.output.lines import write_lines
from qstash_cli.output.result import Line
from qstash_cli.output.terminal import TerminalInfo


def written(*lines: Line, colour: bool) -> str:
    out = io.StringIO()
    terminal = TerminalInfo(
        is_terminal=colour, width=20, colour=colour, now=lambda: 0, time_zone=UTC
    )
    write_lines(lines, out, terminal)
    return out.getvalue()


def test_the_style_determines_the_colour() -> None:
    lines = (Line("+ a", "added"), Line("~ b", "changed"), Line("- c", "removed"), Line("[red]d"))

    assert written(*lines, colour=False) == "+ a\n~ b\n- c\n[red]d\n"
    assert written(*lines, colour=True) == (
        "\x1b[32m+ a\x1b[0m\n\x1b[33m~ b\x1b[0m\n\x1b[31m- c\x1b[0m\n[red]d\n"
    )


@pytest.mark.parametrize("colour", [True, False])
def test_untrusted_text_stays_on_one_line_and_is_escaped(colour: bool) -> None:
    assert written(Line("a\x1b[2J\nb\u202e"), colour=colour) == "a\\x1b[2J\\nb\\u202e\n"


def test_long_lines_are_not_shortened() -> None:
    assert written(Line("x" * 50, "added"), colour=True).count("\n") == 1

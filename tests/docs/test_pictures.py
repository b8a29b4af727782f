"""The picture of the terminal shows what the commands print today."""

from __future__ import annotations

from docs.pictures import TERMINAL, terminal


def test_the_picture_of_the_terminal_is_current() -> None:
    assert TERMINAL.read_text(encoding="utf-8") == terminal(), "run python3 -m docs.pictures"

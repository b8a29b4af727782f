"""The output of commands on a terminal and in a pipe, byte for byte, and pictures of it.

`python3 -m tests.screens.recording` writes the files again; check the differences before you commit
them.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from tests.screens.recording import (
    GOLDEN,
    LISTS,
    PICTURES,
    SCREENS,
    WIDTHS,
    as_text,
    pictures,
    recordings,
)

# These lines of text are wrapped by the terminal.
TEXTS = {"plan", "check", "config-list"}


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_as_agreed(name: str) -> None:
    for kind, run in recordings(SCREENS[name]):
        golden = GOLDEN / f"{name}-{kind}.txt"

        assert as_text(run) == golden.read_text(encoding="utf-8"), f"{golden.name}\n{run}"
        assert run.code == SCREENS[name].code, run


def test_every_golden_file_has_a_screen() -> None:
    names = {f"{name}-{kind}.txt" for name in SCREENS for kind in ("40", "80", "120", "pipe")}

    assert {file.name for file in GOLDEN.iterdir() if file.is_file()} == names


@pytest.mark.parametrize("name", SCREENS)
def test_a_picture_is_as_agreed(name: str) -> None:
    for file_name, svg in pictures(name):
        assert svg == (PICTURES / file_name).read_text(encoding="utf-8"), file_name


def test_every_picture_has_a_screen_and_loads_nothing() -> None:
    names = {
        f"{name}-{columns}.svg"
        for name in SCREENS
        for columns in (WIDTHS if name in LISTS else (80,))
    }

    assert {file.name for file in PICTURES.iterdir()} == names
    for file in PICTURES.iterdir():
        text = file.read_text(encoding="utf-8")
        ET.fromstring(text)  # noqa: S314 - a file of ours
        assert not re.search(r"url\((?!#)|href|@font-face|\x1b", text)


@pytest.mark.parametrize("name", sorted(SCREENS.keys() - TEXTS))
def test_no_table_is_wider_than_the_terminal(name: str) -> None:
    for width in WIDTHS:
        lines = (GOLDEN / f"{name}-{width}.txt").read_text(encoding="utf-8").splitlines()

        # What users may copy is never broken over lines: commands, URLs, JSON.
        copied = ("! ", "qstash ", "  http", '    "')
        tables = [line for line in lines if not line.startswith(copied)]
        assert all(len(line) <= width for line in tables)

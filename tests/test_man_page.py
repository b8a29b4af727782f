"""The man page, generated from the registry of commands."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from qstash_cli.cli.index import INDEX
from qstash_cli.errors import ExitCode

ROOT = Path(__file__).parents[1]
MODULE = runpy.run_path(str(ROOT / "man_page.py"))


@pytest.fixture(scope="module")
def page() -> str:
    text = MODULE["man_page"]()
    assert isinstance(text, str)
    return text


def test_it_is_generated_without_dependencies_as_in_the_wheel_build(page: str) -> None:
    script = "from man_page import man_page; print(man_page(), end='')"
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-S", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert done.stdout == page


def test_it_contains_every_command_flag_and_exit_code(page: str) -> None:
    page = page.replace(r"\-", "-")
    for name, command in INDEX.all_commands():
        assert rf"\fBqstash {name}\fR" in page
        for option in command.options:
            assert rf"\fB{option.names[-1]}\fR" in page
    status = page.partition(".SH EXIT STATUS")[2].partition(".SH")[0]
    assert re.findall(r"\\fB(\d+)\\fR", status) == [str(int(code)) for code in ExitCode]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (".dot", r"\&.dot"),
        ("'quote'", r"\(aqquote\(aq"),
        ("--flag", r"\-\-flag"),
        (r"a\tb", r"a\etb"),
        ("`x` ~ ^", r"\(gax\(ga \(ti \(ha"),
    ],
)
def test_text_is_escaped(text: str, safe: str) -> None:
    assert MODULE["_safe"](text) == safe


def test_lines_start_only_with_known_macros(page: str) -> None:
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}

    assert requests == {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".br", ".nf", ".fi"}

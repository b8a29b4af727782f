"""What each command prints in a pipe, as the guide to the commands says it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.commands.test_previews import READS, WRITES, World, services, world

__all__ = ["services", "world"]

GUIDE = (Path(__file__).parents[2] / "docs/guides/commands-by-task.md").read_text()
# The table of the guide: what the commands of each row print.
FORM_OF: dict[str, str] = {
    name: form
    for names, form in re.findall(r"^\| (`.+`) \| (.+?) \|$", GUIDE, re.MULTILINE)
    for name in re.findall("`([a-z -]+)`", names)
}


def form_of(words: Sequence[str]) -> str:
    """Returns the form of a command by its whole name, its last word or its first word."""
    group = " ".join(words[:2]) if words[1:2] == ("dlq",) else words[0]
    called = words[len(group.split())] if len(words) > len(group.split()) else ""
    names = (f"{group} {called}", called, words[0])
    return next(FORM_OF[name] for name in names if name in FORM_OF)


def whole_values(out: str) -> list[str]:
    """Returns JSON Lines line by line, and anything else as one text."""
    lines = out.splitlines()
    return lines if all(line.endswith("}") and line.startswith("{") for line in lines) else [out]


def has_form(out: str, form: str) -> bool:
    lines = out.splitlines()
    return {
        "JSON": lambda: out == "[]\n" or (bool(lines) and all(map(json.loads, whole_values(out)))),
        "a number": lambda: re.fullmatch(r"\d+\n", out) is not None,
        "ids or names, one per line": lambda: (
            bool(lines) and all(re.fullmatch(r"[\w.-]+", line) for line in lines)
        ),
        "tab-separated values": lambda: "\t" in out or len(lines) < 2,
        "variables, or a manifest": lambda: bool(re.match(r"[A-Z_]+=|# |\[", out)),
        "lines of text": lambda: bool(lines) and "\t" not in out,
    }[form]()


# There is no bulk action of this id.
@pytest.mark.parametrize("name", sorted({*WRITES, *READS} - {"message action"}))
def test_a_pipe_gets_what_the_guide_says(world: World, name: str) -> None:
    words = world.argv(*(WRITES | READS)[name])

    run = world.qstash(*words)

    assert has_form(run.out, form_of(words)), run


def test_the_guide_has_a_row_for_every_form() -> None:
    assert set(FORM_OF.values()) == {
        "JSON",
        "a number",
        "ids or names, one per line",
        "tab-separated values",
        "variables, or a manifest",
        "lines of text",
    }

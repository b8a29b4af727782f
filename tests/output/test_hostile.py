"""Untrusted text can neither control a terminal nor break a format."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from qstash_cli.output.formats import FORMATS
from qstash_cli.output.result import Column, Result, View
from qstash_cli.output.safe import UNSAFE
from qstash_cli.output.terminal import TerminalInfo

HOSTILE = (
    "a\x1b]0;owned\x07\x1b[2J[red]b[/red]:smile:"
    "\tc\nd\re\x00f\x9bg\u202eh\u2066i\u200bj\u2028k\ud800l\\m"
)
FIELDS = {"id": HOSTILE, "url": HOSTILE, "labels": [HOSTILE], "header": {HOSTILE: [HOSTILE]}}
VIEW = View(
    columns=(
        Column(name="id", of="id"),
        Column(name="url", of="url"),
        Column(name="labels", of="labels", format="list"),
        Column(name="header", of="header"),
        Column(name="outcome", of="url", format="state"),
        Column(name="at", of="url", format="instant_ms"),
    ),
    id="id",
    empty=HOSTILE,
)
DATA = {"one": FIELDS, "several": [FIELDS, FIELDS], "none": []}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize(("width", "live"), [(40, False), (80, True), (80, False), (1000, True)])
def test_a_terminal_receives_no_control_characters(  # noqa: PLR0917 - cases and fixtures
    name: str,
    data: Any,
    width: int,
    live: bool,
    terminal: TerminalInfo,
    rendered: Callable[..., str],
) -> None:
    result = Result(data=data, view=VIEW, live=live)

    written = rendered(result, terminal._replace(width=width), format=name)

    separators = "\n\t" if name in {"tsv", "text"} else "\n"
    assert set(re.findall(UNSAFE, written)) <= set(separators)


@pytest.mark.parametrize("name", FORMATS)
def test_markup_and_emoji_codes_are_literal_text(
    name: str, terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    result = Result(data=[FIELDS], view=VIEW)

    written = rendered(result, terminal._replace(width=1000), format=name)

    assert "[red]b[/red]:smile:" in written


@pytest.mark.parametrize("name", FORMATS)
def test_text_in_a_pipe_can_be_encoded(
    name: str, pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(Result(data=[FIELDS], view=VIEW), pipe, format=name)

    assert "owned" in written.encode("utf-8").decode()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_json_has_exactly_the_values_of_qstash(
    is_terminal: bool, terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    terminal = terminal._replace(is_terminal=is_terminal)
    result = Result(data=[FIELDS], view=VIEW)

    assert json.loads(rendered(result, terminal, format="json")) == [FIELDS]
    assert json.loads(rendered(result, terminal, format="jsonl")) == FIELDS


def test_tsv_is_one_line_with_a_tab_between_columns(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(Result(data=FIELDS, view=VIEW), pipe, format="tsv")

    assert written.count("\n") == 1
    assert written.count("\t") == len(VIEW.columns) - 1
    assert r"\tc\nd\re" in written
    assert r"l\\m" in written


def test_csv_in_a_pipe_keeps_the_value(pipe: TerminalInfo, rendered: Callable[..., str]) -> None:
    value = 'a "quoted", value\nwith\ttabs and \x1b'
    written = rendered(Result(data={"id": value}, view=VIEW), pipe, format="csv")

    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert rows[0] == [column.name for column in VIEW.columns]
    assert rows[1][0] == value

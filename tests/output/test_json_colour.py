"""JSON on a terminal with colour: the same text, with keys and values apart."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from rich.text import Text

from qstash_cli.output.formats import render
from qstash_cli.output.json_colour import json_painter
from qstash_cli.output.json_text import compact, pretty
from qstash_cli.output.result import Result, View
from qstash_cli.output.terminal import TerminalInfo
from tests.output.conftest import TERMINAL
from tests.output.strategies import JSON_VALUES

COLOURED = TERMINAL._replace(colour=True, width=40)
VIEW = View(columns=(), id="messageId")
RECORDS: list[dict[str, Any]] = [
    {"messageId": "msg_1", "url": "https://a.example/" + "long/" * 40, "at": -1.5e3},
    {"ok": True, "no": False, "none": None, "nested": {"a:": ["\\\\", '"k":', "true 1 null"]}},
]


def _without_colour(text: str) -> str:
    return re.sub("\x1b\\[[0-9;]*m", "", text)


@given(JSON_VALUES)
def test_colour_does_not_change_the_text(value: Any) -> None:
    paint = json_painter(COLOURED)

    for text in (pretty(value), compact(value)):
        assert _without_colour(paint(text)) == text


@pytest.mark.parametrize("name", ["json", "jsonl"])
@pytest.mark.parametrize("query", [None, "@"])
def test_json_has_colour_on_a_terminal_alone(
    name: str, query: str | None, pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    result = Result(data=RECORDS, view=VIEW)

    plain = rendered(result, pipe, format=name, query=query)
    coloured = rendered(result, COLOURED, format=name, query=query)

    assert "\x1b" not in plain
    assert "\x1b" in coloured
    assert _without_colour(coloured) == plain


def test_keys_strings_numbers_and_constants_differ() -> None:
    text = '{"k":"v\\"","n":-1.5e3,"t":true,"z":null}'
    painted = Text.from_ansi(json_painter(COLOURED)(text))

    styles = {text[span.start : span.end]: str(span.style) for span in painted.spans}
    assert styles == {
        '"k"': "bold", '"n"': "bold", '"t"': "bold", '"z"': "bold",
        '"v\\""': "color(2)", "-1.5e3": "color(6)", "true": "color(5)", "null": "dim",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["json", "jsonl", "yaml"])
def test_records_are_written_as_they_come(name: str) -> None:
    out = io.StringIO()
    seen: list[str] = []

    def records() -> Iterator[dict[str, Any]]:
        for record in RECORDS:
            yield record
            seen.append(_without_colour(out.getvalue()))

    render(
        Result(data=records(), view=VIEW),
        format=name, query=None, columns=None, out=out, terminal=COLOURED,
    )  # fmt: skip

    assert "msg_1" in seen[0]
    assert "nested" not in seen[0]
    assert "nested" in seen[1]


def test_a_string_of_megabytes_is_coloured_whole() -> None:
    text = compact({"body": "\\n" * 1_000_000})

    assert _without_colour(json_painter(COLOURED)(text)) == text

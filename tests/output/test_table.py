"""Tables for people, where the golden files do not say it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len

from qstash_cli.output.look import Look
from qstash_cli.output.result import Column, Result, View

LONG_ID = "msg_" + "x" * 40
VIEW = View(
    columns=(
        Column(name="id", of="id"),
        Column(name="url", of="url"),
        Column(name="outcome", of="outcome", show="outcome"),
    ),
    id="id",
)
ROW = {"id": LONG_ID, "url": "https://a.example/" + "y" * 60, "outcome": "pass"}


@pytest.mark.parametrize("width", range(10, 160))
@pytest.mark.parametrize("live", [False, True])
def test_the_id_is_never_cut_and_no_row_of_columns_is_too_wide(
    width: int, live: bool, terminal: Look, rendered: Callable[..., str]
) -> None:
    result = Result(data=[ROW, {"id": "日本" * 5, "url": "日本語" * 30}], view=VIEW, live=live)

    written = rendered(result, replace(terminal, width=width))

    assert LONG_ID in written
    lines = written.splitlines()
    is_in_columns = lines[0].startswith("ID")
    assert not is_in_columns or live or max(cell_len(line) for line in lines) <= width


def test_off_a_terminal_nothing_is_cut(pipe: Look, rendered: Callable[..., str]) -> None:
    assert ROW["url"] in rendered(Result(data=[ROW], view=VIEW), pipe, format="table")


def test_colour_changes_no_text(terminal: Look, rendered: Callable[..., str]) -> None:
    rows = [ROW, ROW | {"outcome": "fail"}, ROW | {"outcome": "unknown"}]
    look = replace(terminal, width=200)

    plain = rendered(Result(data=rows, view=VIEW), look)
    coloured = rendered(Result(data=rows, view=VIEW), replace(look, colour=True))

    assert "\x1b[32mpass" in coloured
    assert "\x1b[31mfail" in coloured
    assert "\x1b[2munknown" in coloured
    assert "\x1b[1mOUTCOME" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain


def test_times_have_their_distance_where_there_is_room(
    samples: dict[str, Result], terminal: Look, rendered: Callable[..., str]
) -> None:
    written = rendered(samples["logs"], replace(terminal, width=200))

    assert "2026-11-24 13:05:05 (3m ago)  DELIVERED" in written
    assert "2026-11-24 13:13:09 (in 5m)   RETRY" in written


def test_live_rows_are_as_wide_as_their_hints(terminal: Look, rendered: Callable[..., str]) -> None:
    columns = (Column(name="state", of="state", width=12), Column(name="url", of="url"))
    rows = [{"state": "CREATED", "url": "https://a.example"}, {"state": "CANCEL_REQUESTED"}]
    result = Result(data=rows, view=View(columns=columns, id="messageId"), live=True)

    written = rendered(result, terminal)

    assert written == ("STATE         URL\nCREATED       https://a.example\nCANCEL_REQU…\n")


def test_a_wrapped_value_loses_nothing(terminal: Look, rendered: Callable[..., str]) -> None:
    written = rendered(Result(data=ROW, view=VIEW), replace(terminal, width=50))

    assert ROW["url"] in written.replace("\n", "").replace(" ", "")
    assert max(len(line) for line in written.splitlines()) <= 50

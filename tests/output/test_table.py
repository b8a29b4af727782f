"""Tables for people, where the golden files do not say it."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator

import pytest
from rich.cells import cell_len

from qstash_cli.errors import QstashError
from qstash_cli.output.result import Column, Result, View
from qstash_cli.output.table import write_table
from qstash_cli.output.terminal import TerminalInfo

LONG_ID = "msg_" + "x" * 40
VIEW = View(
    columns=(
        Column(name="id", of="id"),
        Column(name="url", of="url"),
        Column(name="outcome", of="outcome", format="outcome"),
    ),
    id="id",
)
ROW = {"id": LONG_ID, "url": "https://a.example/" + "y" * 60, "outcome": "pass"}


@pytest.mark.parametrize("width", range(10, 160))
@pytest.mark.parametrize("live", [False, True])
def test_a_list_is_a_table_within_the_width_whose_ids_are_cut_last(
    width: int, live: bool, terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    result = Result(data=[ROW, {"id": "日本" * 5, "url": "日本語" * 30}], view=VIEW, live=live)

    written = rendered(result, terminal._replace(width=width))

    lines = written.splitlines()
    assert lines[0].startswith("ID")
    assert len(lines) == 3
    assert max(cell_len(line) for line in lines) <= width
    # The outcome is kept beside it: an id is cut last, but a verdict is worth more than its end.
    assert (LONG_ID in written) == (width >= len(LONG_ID) + len("  OUTCOME"))


@pytest.mark.parametrize("count", [99, 100, 101, 350])
def test_later_pages_stand_under_the_same_header_in_the_same_columns(
    count: int, terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    rows = [{"id": f"msg_{n:04}", "url": "https://a.example/" + "z" * 80} for n in range(count)]

    lines = rendered(Result(data=iter(rows), view=VIEW), terminal).splitlines()

    assert [line.split()[0] for line in lines] == ["ID", *(row["id"] for row in rows)]
    assert {line.index("https") for line in lines[1:]} == {lines[0].index("URL")}


def test_the_rows_before_an_error_are_written(terminal: TerminalInfo) -> None:
    def rows() -> Iterator[dict[str, str]]:
        yield ROW
        raise QstashError("the second page failed")

    out = io.StringIO()
    with pytest.raises(QstashError, match="second page"):
        write_table(Result(data=rows(), view=VIEW), out, terminal)

    assert LONG_ID in out.getvalue()


@pytest.mark.parametrize("text", ["x" * 5_000_000, "日本" * 200_000, "a b " * 500_000])
@pytest.mark.parametrize("is_list", [True, False])
def test_a_huge_value_is_written_in_a_moment(
    text: str, is_list: bool, terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    record = {"id": "1", "url": text}

    started_at = time.process_time()
    written = rendered(Result(data=[record] if is_list else record, view=VIEW), terminal)

    assert "1" in written
    assert is_list or text in written
    assert time.process_time() - started_at < 2


def test_off_a_terminal_nothing_is_cut(pipe: TerminalInfo, rendered: Callable[..., str]) -> None:
    assert ROW["url"] in rendered(Result(data=[ROW], view=VIEW), pipe, format="table")


def test_colour_changes_no_text(terminal: TerminalInfo, rendered: Callable[..., str]) -> None:
    rows = [ROW, ROW | {"outcome": "fail"}, ROW | {"outcome": "unknown"}]
    terminal = terminal._replace(width=200)

    plain = rendered(Result(data=rows, view=VIEW), terminal)
    coloured = rendered(Result(data=rows, view=VIEW), terminal._replace(colour=True))

    assert "\x1b[32mpass" in coloured
    assert "\x1b[31mfail" in coloured
    assert "\x1b[2munknown" in coloured
    assert "\x1b[1mOUTCOME" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain


def test_times_have_their_distance_where_there_is_room(
    samples: dict[str, Result], terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(samples["logs"], terminal._replace(width=200))

    assert "2026-11-24 13:05:05 (3m ago)  DELIVERED" in written
    assert "2026-11-24 13:13:09 (in 5m)   RETRY" in written


def test_each_row_is_dated_by_the_time_at_which_it_comes(terminal: TerminalInfo) -> None:
    now = 0.0

    def rows() -> Iterator[dict[str, object]]:
        nonlocal now
        yield {"id": "a", "time": 0}
        now = 7200
        yield {"id": "b", "time": 7_200_000 - 60_000}

    columns = (Column(name="id", of="id"), Column(name="time", of="time", format="instant_ms"))
    out = io.StringIO()
    result = Result(data=rows(), view=View(columns=columns, id="id"))
    write_table(result, out, terminal._replace(now=lambda: now))

    assert re.findall(r"\(.*\)", out.getvalue()) == ["(now)", "(1m ago)"]


def test_live_rows_are_at_least_as_wide_as_their_hints(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    columns = (Column(name="state", of="state", width=12), Column(name="url", of="url"))
    rows = [{"state": "CREATED", "url": "https://a.example"}, {"state": "CANCEL_REQUESTED"}]
    result = Result(data=rows, view=View(columns=columns, id="messageId"), live=True)

    written = rendered(result, terminal)

    assert written == ("STATE         URL\nCREATED       https://a.example\nCANCEL_REQUESTED\n")


def test_a_wrapped_value_loses_nothing(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(Result(data=ROW, view=VIEW), terminal._replace(width=50))

    assert ROW["url"] in written.replace("\n", "").replace(" ", "")
    assert max(len(line) for line in written.splitlines()) <= 50

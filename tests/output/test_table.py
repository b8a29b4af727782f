"""Properties of tables that the golden files do not cover."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator

import pytest
from rich.cells import cell_len

from qstash_cli.errors import QstashError
from qstash_cli.output.result import CellFormat, Column, Result, View
from qstash_cli.output.table import write_table
from qstash_cli.output.terminal import TerminalInfo
from tests.output.conftest import NOW_MS

LONG_ID = "msg_" + "x" * 40
VIEW = View(
    columns=(
        Column(name="id", of="id"),
        Column(name="url", of="url"),
        Column(name="outcome", of="outcome", format="state"),
    ),
    id="id",
)
ROW = {"id": LONG_ID, "url": "https://a.example/" + "y" * 60, "outcome": "pass"}


@pytest.mark.parametrize("width", range(10, 160))
@pytest.mark.parametrize("live", [False, True])
def test_a_list_fits_the_width_and_ids_are_shortened_last(
    width: int, live: bool, terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    identifier, url, outcome = VIEW.columns
    view = VIEW._replace(columns=(identifier, url._replace(is_optional=True), outcome))
    result = Result(data=[ROW, {"id": "日本" * 5, "url": "日本語" * 30}], view=view, live=live)

    written = rendered(result, terminal._replace(width=width))

    lines = written.splitlines()
    assert lines[0].startswith("ID")
    assert len(lines) == 3
    assert max(cell_len(line) for line in lines) <= width
    assert (LONG_ID in written) == (width >= len(LONG_ID) + len("  OUTCOME"))


def test_a_destination_remains_visible_next_to_a_shortened_id(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    url = "https://app.example.com/api/invoices/2026/november/send"
    view = VIEW._replace(columns=(VIEW.columns[0], Column(name="url", of="url", format="url")))

    row = rendered(Result(data=[ROW | {"url": url}], view=view), terminal._replace(width=60))

    identifier, destination = row.splitlines()[1].split()
    assert destination == "app.example.com/…/send"
    assert LONG_ID.startswith(identifier.partition("…")[0])
    assert LONG_ID.endswith(identifier.partition("…")[2])


@pytest.mark.parametrize("cell_format", ["url", "id", "text"])
def test_an_ascii_terminal_marks_what_is_cut_with_a_character_that_it_has(
    cell_format: CellFormat, terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    column = Column(name="value", of="url", format=cell_format)
    ascii_only = terminal._replace(width=30, has_blocks=False)

    written = rendered(Result(data=[ROW], view=View(columns=(column,), id="id")), ascii_only)

    assert written.isascii()
    assert ">" in written
    assert max(map(len, written.splitlines())) <= 30


def test_columns_without_values_are_omitted_until_a_later_page_has_a_value(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    rows = [{"id": f"msg_{n:04}", "url": "u" if n > 150 else None} for n in range(220)]

    lines = rendered(Result(data=iter(rows), view=VIEW), terminal).splitlines()

    assert [line.split() for line in lines if line.startswith("ID")] == [["ID"], ["ID", "URL"]]
    assert len(lines) == 222
    assert lines[-1].split() == ["msg_0219", "u"]


def test_selected_columns_are_displayed_even_without_values(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(Result(data=[{"id": "1"}], view=VIEW), terminal, columns="id,url")

    assert written.splitlines()[0].split() == ["ID", "URL"]


def test_numbers_are_aligned_to_the_right(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    view = View(columns=(Column(name="lag", of="lag"),), id="lag")

    assert rendered(Result(data=[{"lag": 7}, {"lag": 1204}], view=view), terminal) == (
        " LAG\n   7\n1204\n"
    )


@pytest.mark.parametrize("count", [99, 100, 101, 350])
def test_later_pages_use_the_same_header_and_columns(
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
def test_a_huge_value_is_written_quickly(
    text: str, is_list: bool, terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    record = {"id": "1", "url": text}

    started_at = time.process_time()
    written = rendered(Result(data=[record] if is_list else record, view=VIEW), terminal)

    assert "1" in written
    assert is_list or text in written
    assert time.process_time() - started_at < 2


def test_nothing_is_shortened_without_a_terminal(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    assert ROW["url"] in rendered(Result(data=[ROW], view=VIEW), pipe, format="table")


def test_colour_changes_no_text(terminal: TerminalInfo, rendered: Callable[..., str]) -> None:
    rows = [ROW, ROW | {"outcome": "fail"}, ROW | {"outcome": "unknown"}]
    terminal = terminal._replace(width=200)

    plain = rendered(Result(data=rows, view=VIEW), terminal)
    coloured = rendered(Result(data=rows, view=VIEW), terminal._replace(colour=True))

    assert "\x1b[32m✓ pass" in coloured
    assert "\x1b[31m✗ fail" in coloured
    assert "\x1b[2m· unknown" in coloured
    assert "\x1b[1mOUTCOME" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain


def test_times_of_today_have_no_date_and_others_have_one(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    times = [NOW_MS - 184_000, NOW_MS - 90_000_000, NOW_MS - 400 * 86_400_000]
    view = View(columns=(Column(name="createdAt", of="at", format="instant_ms"),), id="at")

    written = rendered(Result(data=[{"at": at} for at in times], view=view), terminal)

    assert written == "CREATED\n13:05:05\nNov 23 12:08\n2025-10-20\n"


def test_each_row_is_dated_by_its_time_of_arrival(terminal: TerminalInfo) -> None:
    now = 0.0

    def rows() -> Iterator[dict[str, object]]:
        nonlocal now
        yield {"id": "a", "time": 0}
        now = 7200
        yield {"id": "b", "time": 7_200_000 - 60_000}

    columns = (Column(name="id", of="id"), Column(name="time", of="time", format="upcoming_ms"))
    out = io.StringIO()
    result = Result(data=rows(), view=View(columns=columns, id="id"))
    write_table(result, out, terminal._replace(now=lambda: now))

    assert re.findall(r"^[ab] +(.*\w)", out.getvalue(), re.MULTILINE) == ["now", "1m ago"]


def test_live_rows_are_at_least_as_wide_as_their_minimum(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    columns = (Column(name="state", of="state", width=12), Column(name="url", of="url"))
    rows = [{"state": "CREATED", "url": "https://a.example"}, {"state": "CANCEL_REQUESTED"}]
    result = Result(data=rows, view=View(columns=columns, id="messageId"), live=True)

    written = rendered(result, terminal)

    assert written == ("STATE         URL\nCREATED       https://a.example\nCANCEL_REQUESTED\n")


def test_a_wrapped_value_is_complete(terminal: TerminalInfo, rendered: Callable[..., str]) -> None:
    written = rendered(Result(data=ROW, view=VIEW), terminal._replace(width=50))

    assert ROW["url"] in written.replace("\n", "").replace(" ", "")
    assert max(len(line) for line in written.splitlines()) <= 50

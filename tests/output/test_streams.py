"""Records are written while others are still arriving."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from qstash_cli.errors import Unreachable
from qstash_cli.output.formats import FORMATS, render
from qstash_cli.output.result import Column, Result, View
from qstash_cli.output.terminal import TerminalInfo

VIEW = View(columns=(Column(name="id", of="id"), Column(name="url", of="url")), id="id")
SCREENFUL = 100


class Stream(StringIO):
    """Counts the records that had been pulled when the first one was flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.pulled = 0
        self.pulled_at_first_record: int | None = None

    def records(self, count: int) -> Iterator[dict[str, Any]]:
        """Returns records that are counted when they are pulled."""
        for number in range(count):
            self.pulled += 1
            yield {"id": f"msg_{number:04}", "url": "https://a.example"}

    def flush(self) -> None:
        """Notes the count at the first flush."""
        super().flush()
        if self.pulled_at_first_record is None and "msg_0000" in self.getvalue():
            self.pulled_at_first_record = self.pulled


def _render(
    data: Any, name: str, out: StringIO, terminal: TerminalInfo, *, live: bool = False
) -> None:
    result = Result(data=data, view=VIEW, live=live)
    render(result, format=name, query=None, columns=None, out=out, terminal=terminal)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("width", [80, 10])
def test_the_first_record_is_written_long_before_the_last(
    name: str, is_terminal: bool, width: int, terminal: TerminalInfo
) -> None:
    out = Stream()

    _render(out.records(1000), name, out, terminal._replace(is_terminal=is_terminal, width=width))

    assert out.pulled_at_first_record == (SCREENFUL if name == "table" else 1)
    assert out.getvalue().count("msg_") == 1000


@pytest.mark.parametrize("name", FORMATS)
def test_live_records_are_written_at_once(name: str, terminal: TerminalInfo) -> None:
    out = Stream()

    _render(out.records(3), name, out, terminal, live=True)

    assert out.pulled_at_first_record == 1


@pytest.mark.parametrize("name", ["table", "jsonl", "tsv", "csv", "ids"])
def test_records_before_a_failure_are_written(name: str, terminal: TerminalInfo) -> None:
    out = StringIO()

    def broken() -> Iterator[dict[str, str]]:
        yield {"id": "msg_0"}
        raise Unreachable("the connection broke")

    with pytest.raises(Unreachable):
        _render(broken(), name, out, terminal)

    assert "msg_0" in out.getvalue()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_interrupted_array_is_valid_json(count: int, terminal: TerminalInfo) -> None:
    out = Stream()

    _render(out.records(count), "json", out, terminal)

    assert len(json.loads(out.getvalue())) == count


def test_later_rows_keep_the_widths_of_the_first_page(terminal: TerminalInfo) -> None:
    out = Stream()

    _render(out.records(1000), "table", out, terminal)

    lines = out.getvalue().splitlines()
    assert {line.index("https") for line in lines[1:]} == {lines[0].index("URL")}
    assert len(lines) == 1001

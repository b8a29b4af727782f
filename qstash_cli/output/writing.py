"""Writes text and lines to a terminal, where they are escaped, or to a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TextIO

from qstash_cli.output.result import Result
from qstash_cli.output.safe import encodable, safe_text
from qstash_cli.output.terminal import TerminalInfo


def write_text(text: str | Iterable[str], out: TextIO, terminal: TerminalInfo) -> None:
    last = ""
    for piece in (text,) if isinstance(text, str) else text:
        out.write(
            safe_text(piece, keep_newlines=True) if terminal.is_terminal else encodable(piece)
        )
        last = piece or last
    if last and not last.endswith("\n"):
        out.write("\n")


def csv_line(values: Sequence[str]) -> str:
    import csv as csv_module
    from io import StringIO

    line = StringIO()
    # The csv module quotes only the characters of its line terminator, but readers also end a line
    # at a lone CR.
    csv_module.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue().removesuffix("\r\n")


def line_writer(result: Result, out: TextIO) -> Callable[[str], None]:
    """Returns a function that writes a line, and flushes it if records are still arriving."""
    if isinstance(result.data, Mapping | list) or not result.one_by_one:
        return lambda line: _write(line, out)

    def write(line: str) -> None:
        _write(line, out)
        out.flush()

    return write


def _write(line: str, out: TextIO) -> None:
    out.write(f"{line}\n")


def for_stream(text: str, terminal: TerminalInfo) -> str:
    return safe_text(text) if terminal.is_terminal else encodable(text)

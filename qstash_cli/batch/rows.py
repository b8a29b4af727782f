"""Reads the rows of a JSONL file, a CSV file or a stream of lines.

Source: JSON Lines for JSONL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from qstash_cli.batch.lines import Lines, Row, lines_of

FileFormat = Literal["jsonl", "csv", "lines"]


class Piece(NamedTuple):
    """Lines of the input with their rows; None if each line that is not blank is a row."""

    lines: list[Lines]
    rows: list[Row] | None = None


def pieces_of(file_format: FileFormat, blocks: Iterable[bytes | None]) -> Iterator[Piece | None]:
    """Yields the pieces that each block completes, and None if the input pauses.

    Raises `BadInput` if the header of a CSV file is not valid.
    """
    if file_format == "csv":
        from qstash_cli.batch.csv_rows import csv_rows

        for part in csv_rows(blocks):
            yield None if part is None else Piece(*part)
    else:
        for lines in lines_of(blocks):
            yield None if lines is None else Piece([lines])


def rows_in(piece: Piece) -> list[Row]:
    """Returns the rows of a piece, except blank ones."""
    if piece.rows is not None:
        return piece.rows
    return [
        row
        for lines in piece.lines
        if lines.dropped_bytes or not lines.data.isspace()
        for row in lines.rows()
        if row.error or row.text.strip()
    ]

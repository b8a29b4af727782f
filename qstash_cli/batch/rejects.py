"""The file of refused records, with one JSON object per record."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from qstash_cli.batch.items import Record
from qstash_cli.errors import BadInput
from qstash_cli.files import open_private, reason_of, write_atomically
from qstash_cli.output.json_text import compact


class Rejects:
    """Writes refused records to a file, if there is one."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file

    def write(self, refused: Iterable[tuple[Record, str]]) -> None:
        """Appends records with their reasons, ordered by line."""
        if self._file is None:
            return
        for record, error in refused:
            row = record.row
            entry = {
                "line": record.line,
                "error": error,
                "record": row.fields or row.text.decode(errors="replace"),
            }
            self._file.write(f"{compact(entry)}\n".encode())
        self._file.flush()


@contextmanager
def opened_rejects(path: Path | None, still_refused: Container[int]) -> Iterator[Rejects]:
    """Opens the file of rejects, keeping only the entries of lines that are still refused.

    Raises `BadInput` if it cannot be written.
    """
    if path is None:
        yield Rejects(None)
        return
    try:
        with open_private(path, "a+b") as file:
            kept = _offsets(file, still_refused)
        write_atomically(path, _lines_at(path, kept))
        file = open_private(path, "ab")
    except OSError as fault:
        raise BadInput(f"cannot write the rejects: {path}", hint=reason_of(fault)) from None
    with file:
        yield Rejects(file)


def _offsets(file: BinaryIO, lines: Container[int]) -> set[int]:
    """Returns the offset in the file of the last entry of each of these lines."""
    file.seek(0)
    found, offset = {}, 0
    for text in file:
        try:
            line = json.loads(text)["line"]
        except (ValueError, KeyError, TypeError, RecursionError):
            line = None
        if isinstance(line, int) and line in lines:
            found[line] = offset
        offset += len(text)
    return set(found.values())


def _lines_at(path: Path, offsets: Container[int]) -> Iterator[bytes]:
    offset = 0
    with path.open("rb") as file:
        for text in file:
            if offset in offsets:
                yield text
            offset += len(text)

"""The journal: which lines of the input QStash has acknowledged, so that a run can go on.

A file of JSON lines. The first says which job of which input it is, the others which lines are
done; the last one of a job that came to its end says so. It holds no body and no secret.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from qstash_cli.bulk.chunks import Chunk
from qstash_cli.bulk.rows import Lines, Piece, rows_in
from qstash_cli.bulk.source import Digested
from qstash_cli.errors import BadInput
from qstash_cli.files import write_atomically
from qstash_cli.frozen import dataclass

_VERSION = 1
_MOST_BYTES_OF_A_LINE = 65_536
_BLOCK_BYTES = 1_048_576


@dataclass(frozen=True, kw_only=True)
class Past:
    """What a journal tells: its job, and the lines done, as ordered ranges that do not touch."""

    job: str = ""
    done: tuple[tuple[int, int], ...] = ()
    sent: int = 0
    refused: int = 0
    rejects_bytes: int = 0
    is_finished: bool = False

    def has(self, first: int, last: int) -> bool:
        """Whether any of these lines is done."""
        place = bisect_right(self.done, (last, math.inf)) - 1
        return place >= 0 and self.done[place][1] >= first


def undone(pieces: Iterable[Piece | None], past: Past) -> Iterator[Piece | None]:
    """What the journal does not know as done."""
    for piece in pieces:
        if piece is None or (isinstance(piece, Lines) and not past.has(piece.first, piece.last)):
            yield piece
        else:
            yield [row for row in rows_in(piece) if not past.has(row.line, row.line)]


class Journal(Protocol):
    """Where acknowledged chunks are noted."""

    def note(self, chunk: Chunk, *, refused: int, rejects_bytes: int) -> None:
        """Notes that all of a chunk has been dealt with."""

    def finish(self, source: Digested | None) -> None:
        """Notes that the input came to its end."""


class NoJournal:
    """For input that cannot be read twice."""

    def note(self, chunk: Chunk, *, refused: int, rejects_bytes: int) -> None:
        """Notes nothing."""

    def finish(self, source: Digested | None) -> None:
        """Notes nothing."""


class FileJournal:
    """A journal in a file, each line of it written whole at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, job: str, api_url: str, source: Path | None) -> None:
        """Starts anew, in place of what was there. Raises `BadInput` if it cannot be written."""
        head: dict[str, Any] = {"journal": _VERSION, "job": job, "api_url": api_url}
        if source is not None:
            head["begins_with"] = _beginning(source)
        try:
            write_atomically(self._path, f"{json.dumps(head)}\n".encode())
        except OSError as fault:
            raise _unwritable(self._path, fault) from None

    def past(self, api_url: str, source: Path | None, *, resumes: bool) -> Past | None:
        """What is known of an earlier run, None if there was none.

        Raises `BadInput` if the journal is about another input or another QStash, unless that run
        came to its end and this one does not resume it.
        """
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return None
        except OSError as fault:
            reason = (fault.strerror or "unreadable").lower()
            raise BadInput(f"the journal cannot be read: {self._path}", hint=reason) from None
        # What follows the last line feed was cut off in the middle of being written.
        entries = [_entry(line, self._path) for line in lines[:-1]]
        if not entries or entries[0].get("journal") != _VERSION:
            raise BadInput(
                f"not a journal of `qstash batch`: {self._path}",
                hint="name another file with --journal",
            )
        past = _past(entries)
        if past.is_finished and not resumes:
            return past
        difference = self._difference(entries[0], entries[-1], api_url, source)
        if difference is None:
            return past
        if not past.done:
            # Nothing of that run was acknowledged: it is as if it had not been.
            return None
        raise difference

    def _difference(
        self, head: dict[str, Any], last: dict[str, Any], api_url: str, source: Path | None
    ) -> BadInput | None:
        if head.get("api_url") != api_url:
            return BadInput(
                f"the journal is about another QStash: {head.get('api_url')}",
                hint=f"this run talks to {api_url}; choose the profile of the first run",
            )
        if source is None:
            return None
        is_same = head.get("begins_with") == _beginning(source)
        # Once all of it was sent, lines may still be added.
        if is_same and "sha256" in last:
            is_same = _digest(source, last["bytes"]) == last["sha256"]
        if not is_same:
            return BadInput(
                f"the input is not the one that the journal is about: {source}",
                hint=f"to send it anew, delete {self._path}",
            )
        return None

    def note(self, chunk: Chunk, *, refused: int, rejects_bytes: int) -> None:
        """Notes that all of a chunk has been dealt with."""
        entry: dict[str, Any] = {"done": [chunk.first_line, chunk.last_line]}
        entry["sent"] = len(chunk.good) + len(chunk.bad) - refused
        if refused:
            entry |= {"refused": refused, "rejects_bytes": rejects_bytes}
        self._append(entry)

    def finish(self, source: Digested | None) -> None:
        """Notes that the input came to its end, and what it was."""
        entry: dict[str, Any] = {"finished": True}
        if source is not None:
            entry |= {"bytes": source.size, "sha256": source.sha256}
        self._append(entry)

    def _append(self, entry: dict[str, Any]) -> None:
        line = f"{json.dumps(entry)}\n".encode()
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND)
        except OSError as fault:
            raise _unwritable(self._path, fault) from None
        try:
            os.write(handle, line)
        except OSError as fault:
            raise _unwritable(self._path, fault) from None
        finally:
            os.close(handle)

    def mend(self) -> None:
        """Takes away a last line that was cut off in the middle of being written."""
        with self._path.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


def _entry(line: bytes, path: Path) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise BadInput(
            f"not a journal of `qstash batch`: {path}", hint="name another file with --journal"
        )
    return entry


def _past(entries: list[dict[str, Any]]) -> Past:
    return Past(
        job=str(entries[0]["job"]),
        done=_merged((e["done"][0], e["done"][1]) for e in entries if "done" in e),
        sent=sum(e.get("sent", 0) for e in entries),
        refused=sum(e.get("refused", 0) for e in entries),
        rejects_bytes=max(e.get("rejects_bytes", 0) for e in entries),
        is_finished="finished" in entries[-1],
    )


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _beginning(source: Path) -> str:
    # The header of a CSV file and its first row. Later lines may be mended between two runs.
    with source.open("rb") as file:
        lines = [file.readline(_MOST_BYTES_OF_A_LINE) for _ in range(2)]
    return hashlib.sha256(b"".join(lines)).hexdigest()


def _digest(source: Path, size: int) -> str:
    with source.open("rb") as file:
        digested = Digested(file)
        while digested.read(min(size - digested.size, _BLOCK_BYTES)):
            pass
    return digested.sha256


def _unwritable(path: Path, fault: OSError) -> BadInput:
    reason = (fault.strerror or type(fault).__name__).lower()
    return BadInput(
        f"the journal cannot be written: {path}",
        hint=f"{reason}; name another with --journal, or --no-journal",
    )

"""Reads and validates the state of earlier runs from a journal."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from qstash_cli.batch.journal_entries import (
    VERSION,
    Finish,
    Head,
    Progress,
    entry_of,
    head_of,
    object_of,
)
from qstash_cli.batch.lines import LineRange
from qstash_cli.errors import BadInput
from qstash_cli.files import reason_of

_MAX_HEAD_BYTES = 65_536


class JournalState(NamedTuple):
    """The run of a journal, and the results of its records.

    `done` are the acknowledged lines, `refused` the lines of refused records; both are in order and
    do not overlap. `finished_at_s` is the unix time at which the last run reached the end of the
    input, None if it did not. `size` is the size of all complete lines in the file, in bytes.
    """

    head: Head
    done: tuple[LineRange, ...] = ()
    refused: tuple[LineRange, ...] = ()
    sent: int = 0
    finished_at_s: float | None = None
    size: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether the journal contains no results."""
        return not self.done and not self.refused


class OlderJournal(BadInput):
    """The journal has the format of an earlier version."""

    def __init__(self, path: Path, *, is_finished: bool) -> None:
        super().__init__(
            f"the journal was written by an earlier version of qstash: {path}",
            hint="finish that run with that version, or delete the journal to send every record "
            "again; nothing was sent",
        )
        self.is_finished = is_finished


def read_state(path: Path) -> JournalState | None:
    """Returns the state in the journal, None if the file does not exist.

    Raises `BadInput` naming a damaged line, and `OlderJournal`.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(_MAX_HEAD_BYTES)
            head = _head(line, path)
            if head is None:
                raise OlderJournal(path, is_finished=_says_finished(file.readlines()))
            return _state(JournalState(head, size=len(line)), file, path)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise BadInput(f"cannot read the journal: {path}", hint=reason_of(fault)) from None


def _state(begun: JournalState, lines: Iterable[bytes], path: Path) -> JournalState:
    size, sent, finished_at_s = begun.size, 0, None
    done: list[tuple[LineRange, int]] = []
    refused: dict[int, LineRange] = {}
    for number, line in enumerate(lines, 2):
        if not line.endswith(b"\n"):
            # The process was killed while it wrote this line.
            break
        size += len(line)
        entry = _entry(line, number, path)
        if isinstance(entry, Finish):
            finished_at_s = entry.at_s
            continue
        finished_at_s = None
        sent += entry.sent
        done += [(one, number) for one in entry.done]
        refused |= {one.first: one for one in entry.refused}
    done.sort()
    for (one, _), (other, number) in pairwise(done):
        if other.first <= one.last:
            raise _damaged(path, number, f"line {other.first} of the input occurs twice")
    ranges = tuple(one for one, _ in done)
    return begun._replace(
        done=ranges, refused=tuple(_still_refused(refused, ranges)), sent=sent,
        finished_at_s=finished_at_s, size=size,
    )  # fmt: skip


def _still_refused(
    refused: Mapping[int, LineRange], done: Sequence[LineRange]
) -> Iterator[LineRange]:
    """Returns the refused lines that were not corrected and sent later."""
    last = 0
    for _, one in sorted(refused.items()):
        place = bisect_left(done, one.first, key=itemgetter(1))
        is_done = place < len(done) and done[place].first <= one.last
        if not is_done and one.first > last:
            yield one
            last = one.last


def _head(line: bytes, path: Path) -> Head | None:
    """Parses the first line. Returns None if it is in the format of version 1."""
    try:
        values = object_of(line)
    except ValueError:
        values = {}
    version = values.get("journal")
    if type(version) is not int:
        version = 0
    if version == 1:
        return None
    if version > VERSION:
        raise BadInput(
            f"the journal was written by a later version of qstash: {path}",
            hint="update qstash; nothing was sent",
        )
    if version != VERSION or not line.endswith(b"\n"):
        raise BadInput(
            f"not a journal of `qstash batch`: {path}", hint="use another file with --journal"
        )
    try:
        return head_of(values)
    except ValueError as fault:
        raise BadInput(
            f"line 1 of the journal is damaged: {fault}: {path}",
            hint="restore it, or delete the journal to send every record again",
        ) from None


def _entry(line: bytes, number: int, path: Path) -> Progress | Finish:
    try:
        return entry_of(object_of(line))
    except ValueError as fault:
        raise _damaged(path, number, str(fault)) from None


def _damaged(path: Path, number: int, what: str) -> BadInput:
    return BadInput(
        f"line {number} of the journal is damaged: {what}: {path}",
        hint="delete that line to send its records again with the same ids, or delete the journal "
        "to send every record again",
    )


def _says_finished(lines: Sequence[bytes]) -> bool:
    try:
        return "finished" in object_of(lines[-1])
    except (IndexError, ValueError):
        return False

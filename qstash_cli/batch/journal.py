"""The journal of a run: which records were sent or refused, so that another run can resume it.

Only one process at a time can use a journal. A lock file beside it enforces that.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from qstash_cli.batch.chunks import Chunk
from qstash_cli.batch.items import Record
from qstash_cli.batch.journal_entries import (
    Finish,
    Head,
    Progress,
    to_line,
)
from qstash_cli.batch.journal_state import JournalState, OlderJournal, read_state
from qstash_cli.batch.lines import partition, ranges_of, ranges_within
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.files import LockedByAnother, locked, reason_of, unreadable, write_atomically

_MAX_BYTES_OF_A_LINE = 65_536


class Journal(Protocol):
    """Records the results of chunks."""

    def note(self, chunk: Chunk, refused: Sequence[Record]) -> None:
        """Records that these records of a chunk were refused, and the others sent."""

    def finish(self, at_s: float) -> None:
        """Records that the run reached the end of the input at that unix time."""


class NoJournal:
    """A journal for input that cannot be read twice."""

    def note(self, chunk: Chunk, refused: Sequence[Record]) -> None:
        """Does nothing."""

    def finish(self, at_s: float) -> None:
        """Does nothing."""


def _nothing() -> None:
    return None


class Run(NamedTuple):
    """The run that the journal must belong to. `source` is the input, if it is a file.

    `prepare` is called before a new journal begins, while no other process can use it. `new_job`
    creates a job id. `started_at_s` is the unix time at which this process started; `now`
    returns the current one.
    """

    api_url: str
    source: Path | None
    has_header: bool
    resumes: bool
    new_job: Callable[[], str]
    started_at_s: float
    now: Callable[[], float]
    prepare: Callable[[], None] = _nothing


class FileJournal:
    """A journal in a file. Each line is written in one call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, chunk: Chunk, refused: Sequence[Record]) -> None:
        """Records that these records of a chunk were refused, and the others sent."""
        if not refused:
            self._append(to_line(Progress(tuple(chunk.ranges), len(chunk))))
            return
        spans = [(record.line, record.row.last_line) for record in refused]
        entry = Progress(
            done=tuple(ranges_of(partition(chunk.lines, spans)[0])),
            sent=len(chunk) - len(refused),
            refused=tuple(ranges_within(chunk.lines, spans)),
        )
        self._append(to_line(entry))

    def finish(self, at_s: float) -> None:
        """Records that the run reached the end of the input at that unix time."""
        self._append(to_line(Finish(at_s)))

    def begin(self, head: Head) -> JournalState:
        """Starts a journal in place of an older one. Raises `BadInput` if it cannot be written."""
        try:
            write_atomically(self._path, to_line(head))
        except OSError as fault:
            raise _unwritable(self._path, fault) from None
        return JournalState(head)

    def resume(self, state: JournalState) -> None:
        """Removes an incomplete last line."""
        try:
            os.truncate(self._path, state.size)
        except OSError as fault:
            raise _unwritable(self._path, fault) from None

    def _append(self, line: bytes) -> None:
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND)
            try:
                written = os.write(handle, line)
            finally:
                os.close(handle)
        except OSError as fault:
            raise _unwritable(self._path, fault) from None
        if written < len(line):
            raise _unwritable(self._path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


@contextmanager
def opened_journal(path: Path, run: Run) -> Iterator[tuple[FileJournal, JournalState]]:
    """Opens and locks the journal, and returns it with the state of earlier runs.

    Raises `QstashError` if another process uses it, and `BadInput` if it is damaged, belongs to
    another input or API URL, or if the previous run did not finish and this one does not resume it.
    """
    # Resolve links, so that two names of one file share a lock.
    path = Path(os.path.realpath(path))
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path.with_name(f"{path.name}.lock"), timeout_s=0))
        except LockedByAnother as fault:
            raise QstashError(
                f"{fault.holder} is using this journal: {path}",
                hint="wait until it has finished, or stop it and add --resume; nothing was sent",
            ) from None
        except OSError as fault:
            raise _unwritable(path, fault) from None
        journal = FileJournal(path)
        state = resumable(path, run)
        if state is None:
            run.prepare()
            yield journal, journal.begin(Head(run.new_job(), run.api_url, _beginning(run.source)))
        else:
            journal.resume(state)
            yield journal, state


def resumable(path: Path, run: Run) -> JournalState | None:
    """Returns the state to resume, None to start over. Raises like `opened_journal`."""
    try:
        state = read_state(path)
    except OlderJournal as older:
        if run.resumes or not older.is_finished:
            raise
        return None
    if state is None:
        return None
    if state.finished_at_s is not None and not run.resumes:
        # A time in the future means that the clock was set back. Read the clock only now, because
        # this process may have waited for the lock.
        if run.started_at_s < state.finished_at_s <= run.now():
            raise QstashError(
                f"another process has just sent this input, according to the journal: {path}",
                hint="run the command again to send every record once more; nothing was sent",
            )
        return None
    difference = _difference(state, run, path)
    if difference is not None:
        if state.is_empty:
            return None
        raise difference
    if not state.is_empty and not run.resumes:
        raise BadInput(
            f"the previous run did not finish: {path}",
            hint="add --resume to continue it, or delete the journal to send every record again",
        )
    # Records that were sent but never acknowledged are sent again under the same ids.
    return state


def _difference(state: JournalState, run: Run, path: Path) -> BadInput | None:
    if state.head.api_url != run.api_url:
        return BadInput(
            f"the journal belongs to another API URL: {state.head.api_url}",
            hint=f"this run uses {run.api_url}; select the profile of the first run",
        )
    known, now = state.head.begins_with, _beginning(run.source)
    # Sent lines have digests. If nothing has been sent, compare the first lines instead.
    compared = None if state.is_empty else 1 if run.has_header else 0
    if run.source is None or known[:compared] == now[: len(known)][:compared]:
        return None
    return BadInput(
        f"the header of the input has changed since records were sent: {run.source}",
        hint=f"restore it, or delete {path} to send every record again",
    )


def _beginning(source: Path | None) -> tuple[str, ...]:
    """Returns the digests of the first two lines."""
    if source is None:
        return ()
    try:
        with source.open("rb") as file:
            lines = [file.readline(_MAX_BYTES_OF_A_LINE) for _ in range(2)]
    except OSError as fault:
        raise unreadable(str(source), fault) from None
    return tuple(hashlib.sha256(line.rstrip(b"\r\n")).hexdigest() for line in lines if line)


def _unwritable(path: Path, fault: OSError) -> BadInput:
    return BadInput(
        f"cannot write the journal: {path}",
        hint=f"{reason_of(fault)}; use another file with --journal, or --no-journal",
    )

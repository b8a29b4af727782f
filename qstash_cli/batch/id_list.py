"""Sends the ids of a list, with the pace, the journal and the persistence of a batch.

A line of the list is an id. It is sent at most once with effect, because QStash no longer knows an
id that it has processed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from qstash_cli.batch.acknowledgements import error_of, messages_of
from qstash_cli.batch.chunks import Chunk
from qstash_cli.batch.items import Record, RecordGroup
from qstash_cli.batch.journal import Journal
from qstash_cli.batch.rows import Piece, rows_in
from qstash_cli.batch.sender import BatchTransport, send
from qstash_cli.client.retry import RetryPolicy
from qstash_cli.errors import BadInput, NotFound
from qstash_cli.files import reason_of, unreadable, write_atomically

_UNKNOWN = {"error": "the id is unknown"}
_IDS_PER_BLOCK = 1000

# Applies a command to ids, and returns a message for each. Raises `NotFound` if one is unknown.
Apply = Callable[[Sequence[str], RetryPolicy], Sequence[Any]]


class IdOutcome(NamedTuple):
    """The messages of a request, the number of unknown ids, and the errors of refused ids."""

    messages: list[Any]
    unknown: int
    refused: list[str]


def id_list_of(journal: Path) -> Path:
    """Returns the path of the list of ids that belongs to a journal."""
    return journal.with_name(f"{journal.name}.ids")


def write_ids(path: Path, ids: Iterable[str]) -> None:
    """Writes a list of ids. Raises `BadInput`."""
    try:
        write_atomically(path, (f"{one}\n".encode() for one in ids))
    except OSError as fault:
        raise BadInput(
            f"cannot write the list of ids: {path}: {reason_of(fault)}",
            hint="use another file with --journal, or --no-journal",
        ) from None


def read_ids(path: Path) -> list[str]:
    """Returns the ids of a list. Raises `BadInput`."""
    try:
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as fault:
        if isinstance(fault, OSError):
            raise unreadable(str(path), fault) from None
        raise BadInput(f"not a list of ids: {path}") from None


def remove_journal(journal: Path) -> None:
    """Removes the journal of a finished run, and its list of ids."""
    for path in (journal, id_list_of(journal)):
        with suppress(OSError):
            path.unlink()


def blocks_of_ids(ids: Sequence[str]) -> Iterator[bytes]:
    """Yields the bytes of a list."""
    for start in range(0, len(ids), _IDS_PER_BLOCK):
        yield "".join(f"{one}\n" for one in ids[start : start + _IDS_PER_BLOCK]).encode()


def id_records(pieces: Iterable[Piece | None]) -> Iterator[RecordGroup | None]:
    """Yields the ids of each piece as records, and None if the input pauses."""
    for piece in pieces:
        if piece is None:
            yield None
            continue
        records = [
            Record(row, row.line, json.dumps(row.text.decode()).encode()) for row in rows_in(piece)
        ]
        yield RecordGroup(piece.lines, records)


def ids_of(chunk: Chunk) -> list[str]:
    """Returns the ids of a chunk."""
    return [record.row.text.decode() for record in chunk.good]


def post_ids(apply: Apply) -> Callable[[bytes, RetryPolicy], list[Any]]:
    """Returns a function that applies a command to a JSON array of ids.

    The result has an item for each id. If a request is rejected because of an unknown id, its
    halves are sent, so that one unknown id does not affect the others.
    """

    def items(ids: Sequence[str], policy: RetryPolicy) -> list[Any]:
        try:
            done = apply(ids, policy)
        except NotFound:
            if len(ids) == 1:
                return [_UNKNOWN]
            middle = len(ids) // 2
            return [*items(ids[:middle], policy), *items(ids[middle:], policy)]
        return [*done, *[_UNKNOWN] * (len(ids) - len(done))]

    return lambda body, policy: items(json.loads(body), policy)


def outcomes_of_ids(
    chunks: Iterable[Chunk | None], transport: BatchTransport, journal: Journal
) -> Iterator[IdOutcome]:
    """Yields the outcome of each request, and journals it once the outcome is taken."""
    for chunk, acknowledgements in send(chunks, transport):
        found = IdOutcome([], 0, [])
        refused: list[Record] = []
        for record, item in zip(chunk.good, acknowledgements.items, strict=True):
            if item == _UNKNOWN:
                found = found._replace(unknown=found.unknown + 1)
            elif error := error_of(item):
                found.refused.append(f"{record.row.text.decode()}: {error}")
                refused.append(record)
            else:
                found.messages.extend(messages_of(item))
        yield found
        journal.note(chunk, refused)

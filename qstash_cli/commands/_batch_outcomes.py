"""One run of `batch`: from the input to outcomes, with the journal and the rejects beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, BinaryIO

from qstash_cli.bulk.acknowledgements import error_of, messages_of
from qstash_cli.bulk.chunks import Chunk
from qstash_cli.bulk.items import Record
from qstash_cli.bulk.journal import Journal
from qstash_cli.bulk.sender import Answered
from qstash_cli.errors import BadInput, PartlyDone, QstashError
from qstash_cli.output.json_text import compact
from qstash_cli.output.meter import Meter

_WARNINGS = 10


@dataclass(kw_only=True)
class Tally:
    """What has become of the records so far."""

    sent: int = 0
    refused: int = 0
    deduplicated: int = 0
    done_bytes: int = 0
    warnings: list[str] = field(default_factory=list)


class Rejects:
    """The file of refused records, or none. Raises `BadInput` if it cannot be written."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file

    def write(self, refused: Iterable[tuple[Record, str]]) -> int:
        """Adds these, in the order of their lines; returns how many bytes the file has now."""
        if self._file is None:
            return 0
        for record, error in refused:
            row = record.row
            text = row.fields or row.text.decode(errors="replace")
            line = {"line": record.line, "error": error, "record": text}
            self._file.write(f"{compact(line)}\n".encode())
        self._file.flush()
        return self._file.tell()


def refuse_none(records: Iterable[list[Record] | None]) -> Iterator[list[Record] | None]:
    """The records, raising `BadInput` at the first that is refused."""
    for some in records:
        refused = next((record for record in some or () if record.error), None)
        if some and refused:
            yield some[: some.index(refused)]
            raise BadInput(
                f"line {refused.line}: {refused.error}",
                hint="--strict stops here; leave it out to send the others",
            )
        yield some


def outcomes(
    answered: Iterable[Answered],
    tally: Tally,
    *,
    journal: Journal,
    rejects: Rejects,
    meter: Meter,
    strict: bool,
    are_shown: bool,
) -> Iterator[dict[str, Any]]:
    """A line for each record, in the order of the responses, journalled once it was taken.

    Yields nothing unless `are_shown`.
    """
    for chunk, (items, are_all_new) in answered:
        refused = [(record, record.error) for record in chunk.bad]
        if are_shown or not are_all_new:
            pairs = list(zip(chunk.good, items, strict=True))
            sent = [(record, messages_of(item)) for record, item in pairs if not error_of(item)]
            refused += [(record, error) for record, item in pairs if (error := error_of(item))]
            tally.deduplicated += sum(_are_deduplicated(messages) for _, messages in sent)
            if are_shown:
                yield from sorted(_lines(sent, refused), key=itemgetter("line"))
        refused.sort(key=lambda pair: pair[0].line)
        _count(chunk, refused, tally)
        journal.note(chunk, refused=len(refused), rejects_bytes=rejects.write(refused))
        meter.update(
            done_bytes=tally.done_bytes, records=tally.sent + tally.refused, refused=tally.refused
        )
        if strict and refused:
            record, error = refused[0]
            raise PartlyDone(f"line {record.line}: {error}")


def _are_deduplicated(messages: Iterable[dict[str, Any]]) -> bool:
    return all(message.get("deduplicated") for message in messages)


def _lines(
    sent: Iterable[tuple[Record, list[dict[str, Any]]]], refused: Iterable[tuple[Record, str]]
) -> Iterator[dict[str, Any]]:
    for record, messages in sent:
        own = {"line": record.line, "destination": record.destination}
        yield from (own | message | own for message in messages)
    yield from ({"line": record.line, "error": error} for record, error in refused)


def _count(chunk: Chunk, refused: list[tuple[Record, str]], tally: Tally) -> None:
    tally.refused += len(refused)
    tally.sent += len(chunk.good) + len(chunk.bad) - len(refused)
    tally.done_bytes += chunk.end - chunk.start
    room = _WARNINGS - len(tally.warnings)
    tally.warnings += [f"line {record.line}: {error}" for record, error in refused[:room]]


def checked(
    chunks: Iterable[Chunk | None], tally: Tally, *, rejects: Rejects
) -> Iterator[dict[str, Any]]:
    """What would be sent: the items of a batch, and a line for each record that is refused."""
    from json import loads

    for chunk in chunks:
        if chunk is None:
            continue
        yield from (loads(record.item) for record in chunk.good)
        refused = [(record, record.error) for record in chunk.bad]
        yield from ({"line": record.line, "error": error} for record, error in refused)
        _count(chunk, refused, tally)
        rejects.write(refused)


def failure_of(tally: Tally, *, rejects: str) -> QstashError | None:
    """The error that stands for refused records, None if there are none."""
    if not tally.refused:
        return None
    return PartlyDone(
        f"{tally.refused:,} of {tally.sent + tally.refused:,} records were refused",
        hint=f"{rejects} has them with their errors" if rejects else "--rejects FILE keeps them",
    )

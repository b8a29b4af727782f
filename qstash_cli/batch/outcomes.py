"""Runs `batch`: turns the input into outcomes, and writes the journal and the rejects."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from qstash_cli.batch.acknowledgements import error_of, messages_of
from qstash_cli.batch.chunks import Chunk
from qstash_cli.batch.items import Record, RecordGroup
from qstash_cli.batch.journal import Journal
from qstash_cli.batch.lines import partition
from qstash_cli.batch.rejects import Rejects
from qstash_cli.batch.sender import ChunkResult
from qstash_cli.errors import BadInput, PartlyDone, QstashError

_WARNINGS = 10
_LISTED_LINES = 5


@dataclass(kw_only=True)
class Tally:
    """The counts of records so far."""

    sent: int = 0
    refused: int = 0
    deduplicated: int = 0
    done_bytes: int = 0
    warnings: list[str] = field(default_factory=list)


def refuse_none(groups: Iterable[RecordGroup | None]) -> Iterator[RecordGroup | None]:
    """Yields the records. Raises `BadInput` at the first refused record."""
    for group in groups:
        refused = (
            next((record for record in group.records if record.error), None) if group else None
        )
        if group and refused:
            before, _ = partition(group.lines, [(refused.line, sys.maxsize)])
            yield RecordGroup(before, group.records[: group.records.index(refused)])
            raise BadInput(
                f"line {refused.line}: {refused.error}",
                hint="--strict stops here; leave it out to send the others",
            )
        yield group


def outcomes(
    results: Iterable[ChunkResult],
    tally: Tally,
    *,
    journal: Journal,
    rejects: Rejects,
    report: Callable[[], None],
    strict: bool,
    are_displayed: bool,
) -> Iterator[dict[str, object]]:
    """Yields a line for each record, in the order of the responses.

    Journals a chunk once its lines are taken, and then calls `report`. Yields nothing unless
    `are_displayed`.
    """
    for chunk, (items, are_all_new) in results:
        refused = [(record, record.error) for record in chunk.bad]
        if are_displayed or not are_all_new:
            pairs = list(zip(chunk.good, items, strict=True))
            sent = [(record, messages_of(item)) for record, item in pairs if not error_of(item)]
            refused += [(record, error) for record, item in pairs if (error := error_of(item))]
            tally.deduplicated += sum(_are_deduplicated(messages) for _, messages in sent)
            if are_displayed:
                yield from sorted(_lines(sent, refused), key=itemgetter("line"))
        refused.sort(key=lambda pair: pair[0].line)
        count(chunk, refused, tally)
        rejects.write(refused)
        journal.note(chunk, [record for record, _ in refused])
        report()
        if strict and refused:
            record, error = refused[0]
            raise PartlyDone(f"line {record.line}: {error}")


def _are_deduplicated(messages: Iterable[dict[str, object]]) -> bool:
    return all(message.get("deduplicated") for message in messages)


def _lines(
    sent: Iterable[tuple[Record, list[dict[str, object]]]], refused: Iterable[tuple[Record, str]]
) -> Iterator[dict[str, object]]:
    for record, messages in sent:
        own = {"line": record.line, "destination": record.destination}
        yield from (own | message | own for message in messages)
    yield from ({"line": record.line, "error": error} for record, error in refused)


def count(chunk: Chunk, refused: list[tuple[Record, str]], tally: Tally) -> None:
    """Adds a chunk to the tally, and the first refusals to its warnings."""
    tally.refused += len(refused)
    tally.sent += len(chunk.good) + len(chunk.bad) - len(refused)
    tally.done_bytes += chunk.input_bytes
    room = _WARNINGS - len(tally.warnings)
    tally.warnings += [f"line {record.line}: {error}" for record, error in refused[:room]]


def failure_of(tally: Tally, refused_before: Sequence[int], *, rejects: str) -> QstashError | None:
    """Returns the error for the refused records, or None.

    `refused_before` are the lines of records that earlier runs refused.
    """
    were = "record was" if len(refused_before) == 1 else "records were"
    before = f"{len(refused_before):,} {were} refused before ({_listed(refused_before)})"
    if tally.refused:
        message = f"{tally.refused:,} of {tally.sent + tally.refused:,} records were refused"
        return PartlyDone(
            f"{message}; {before}" if refused_before else message,
            hint=f"{rejects} has them with their errors"
            if rejects
            else "--rejects FILE keeps them",
        )
    if refused_before:
        return PartlyDone(
            before, hint="correct these lines in the input, and --resume sends them again"
        )
    return None


def _listed(lines: Sequence[int]) -> str:
    listed = ", ".join(map(str, lines[:_LISTED_LINES]))
    more = f" and {len(lines) - _LISTED_LINES:,} more" if len(lines) > _LISTED_LINES else ""
    return f"line{'s' if len(lines) > 1 else ''} {listed}{more}"

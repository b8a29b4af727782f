"""Exports the messages of DLQ entries as items of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qstash_cli.cli.context import Context
from qstash_cli.errors import BadInput, PartlyDone, QstashError
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.numbers import amount

if TYPE_CHECKING:
    from qstash_cli.protocol.records import DlqEntry

EXPORTED = View(
    columns=tuple(
        Column(name=name, of=name)
        for name in ("destination", "headers", "body", "bodyBase64", "queue", "messageId", "dlqId")
    ),
    id="dlqId",
)


def exported(ctx: Context, entries: Iterator[DlqEntry]) -> Result:
    """Returns the items. Skips messages that QStash has only as a hash, with a warning."""
    from qstash_cli.protocol.exported import item_of

    skipped: list[str] = []

    def items() -> Iterator[dict[str, Any]]:
        for entry in entries:
            try:
                item = item_of(entry)
            except BadInput as reason:
                ctx.warn(f"{entry['dlqId']} is skipped: {reason.message}")
                skipped.append(entry["dlqId"])
            else:
                yield item

    def error() -> QstashError | None:
        if not skipped:
            return None
        return PartlyDone(
            f"{amount(len(skipped), 'entry')} cannot be exported",
            hint="QStash delivers what it hides: `qstash dlq retry ID`",
        )

    return Result(
        data=items(),
        view=EXPORTED,
        on_terminal="jsonl",
        piped="jsonl",
        live=True,
        one_by_one=False,
        error=error,
    )

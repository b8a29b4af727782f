"""The fields of `qstash message show` for tables and programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qstash_cli.output.result import Column, Record, View

if TYPE_CHECKING:
    from qstash_cli.protocol.attempts import History


def history_of_records(record: Record) -> History:
    """Returns the history of a message from its JSON: `message`, `logs` and `dlq`."""
    from qstash_cli.protocol.attempts import History, history_of
    from qstash_cli.protocol.states import ENDS

    entries, message = record["logs"], record["message"]
    if entries:
        found = history_of(entries)
        if record["dlq"] is not None and found.state not in ENDS:
            return found._replace(state="FAILED", next_at_ms=None)
        return found
    if record["dlq"] is not None:
        return History("FAILED", record["dlq"].get("createdAt"))
    return History("CREATED", message.get("createdAt"), next_at_ms=message.get("notBefore"))


def _of_any(name: str) -> Callable[[Record], Any]:
    """Returns a picker of the field from whichever record has it."""

    def pick(record: Record) -> Any:
        parts = (record["message"], record["dlq"], *record["logs"][:1])
        return next((part[name] for part in parts if part and part.get(name)), None)

    return pick


SHOWN = View(
    columns=(
        Column(name="messageId", of=_of_any("messageId"), format="id"),
        Column(name="state", of=lambda r: history_of_records(r).state, format="state"),
        Column(name="method", of=_of_any("method")),
        Column(name="url", of=_of_any("url"), format="url", header="URL"),
        Column(name="attempts", of=lambda r: len(history_of_records(r).attempts)),
        Column(name="dlqId", of=lambda r: (r["dlq"] or {}).get("dlqId"), header="DLQ ID"),
    ),
    id=_of_any("messageId"),
)

"""Mirrors logged deliveries to a handler on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from qstash_cli.client.external import ExternalResponse
from qstash_cli.commands.common.local_delivery import HandlerResponse, reply_record
from qstash_cli.commands.common.views import LOG
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Column, Record, View
from qstash_cli.protocol.delivery import Delivery
from qstash_cli.protocol.records import LogEntry
from qstash_cli.protocol.redelivery import of_log_entry
from qstash_cli.protocol.states import normal_state

# Every attempt ends in exactly one of these states.
OUTCOMES = ("DELIVERED", "ERROR")
# Attempts are counted only for this number of recent messages.
_MAX_COUNTED = 10_000


class MirroredEntry(LogEntry):
    """A log entry with the handler's response to its delivery."""

    forwarded: HandlerResponse


def _response(name: str) -> Callable[[Record], object]:
    return lambda record: record["forwarded"][name]


MIRRORED = View(
    columns=(
        *LOG.columns[:5],
        Column(name="response", of=_response("status"), width=8),
        Column(name="ms", of=_response("ms"), width=5),
        Column(name="error", of=_response("error")),
    ),
    id="messageId",
)


def mirrored(
    entries: Iterable[LogEntry],
    deliver: Callable[[Delivery], ExternalResponse],
    warn: Callable[[str], None],
) -> Iterator[MirroredEntry]:
    """Yields each entry after its delivery, with the handler's response in `forwarded`.

    Skips an entry that cannot be delivered, and passes the reason to `warn`.
    """
    attempts: dict[str, int] = {}
    for entry in entries:
        retried = _retried(attempts, entry)
        try:
            delivery = of_log_entry(entry, retried=retried)
        except BadInput as reason:
            warn(f"{entry['messageId']} is not forwarded: {reason.message}")
            continue
        yield {**entry, "forwarded": reply_record(deliver(delivery))}


def _retried(attempts: dict[str, int], entry: LogEntry) -> int:
    """Returns the number of earlier attempts of the message that were seen."""
    message_id = entry["messageId"]
    before = attempts.pop(message_id, 0)
    if normal_state(entry["state"]) == "ERROR":
        attempts[message_id] = before + 1
        if len(attempts) > _MAX_COUNTED:
            del attempts[next(iter(attempts))]
    return before

"""`qstash message show`: collects what QStash has of a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from qstash_cli.cli.hints import connection_flags
from qstash_cli.client.api import dlq, logs, messages
from qstash_cli.client.api.filters import Filter
from qstash_cli.commands.message.next_commands import Situation, next_commands
from qstash_cli.commands.message.screen import Shown, blocks_of
from qstash_cli.commands.message.signature import signature_blocks
from qstash_cli.commands.message.views import SHOWN, history_of_records
from qstash_cli.errors import BadInput, NotFound
from qstash_cli.output.blocks import Block, Commands, Section
from qstash_cli.output.result import Result
from qstash_cli.protocol.attempts import History, history_of
from qstash_cli.protocol.ids import kind_of_id
from qstash_cli.protocol.message_details import logged_body, stored_body
from qstash_cli.protocol.redelivery import of_log_entry, of_message
from qstash_cli.protocol.states import ENDS

if TYPE_CHECKING:
    from qstash_cli.cli.context import Context
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.client.request import Request
    from qstash_cli.protocol.delivery import Delivery
    from qstash_cli.protocol.records import DlqEntry, DlqMessage, LogEntry, Message

_MAX_ENTRIES = logs.PAGE


class Parts(NamedTuple):
    """QStash's records of one message, unchanged; log entries are newest first."""

    message_id: str
    message: Message | None
    logs: list[LogEntry]
    dlq: DlqEntry | DlqMessage | None
    dlq_id: str | None

    def as_record(self) -> dict[str, Any]:
        """Returns the JSON of the command."""
        return {"message": self.message, "logs": self.logs, "dlq": self.dlq}

    @property
    def merged(self) -> Mapping[str, Any]:
        """The fields of all records; those of the message take precedence."""
        newest: Mapping[str, Any] = self.logs[0] if self.logs else {}
        return {**newest, **(self.dlq or {}), **(self.message or {}), "messageId": self.message_id}


def show(ctx: Context, some_id: str) -> Result:
    """Returns the result for a message id or a DLQ id. Raises `BadInput` or `NotFound`."""
    is_dlq = kind_of_id(some_id) == "DLQ"
    planned: list[Request[Any]] = (
        [dlq.get(some_id)] if is_dlq else [messages.get(some_id), _log_of(some_id)]
    )

    def run(send: Send) -> Result:
        parts = _of_dlq_entry(ctx, send, some_id) if is_dlq else _of_message(ctx, send, some_id)
        return Result(
            data=parts.as_record(), view=SHOWN, piped="json", screen=lambda: _screen(ctx, parts)
        )

    later = (
        "then GET /v2/logs with the messageId of the entry"
        if is_dlq
        else "then GET /v2/dlq with the messageId, unless the message is delivered or waiting"
    )
    return ctx.perform(planned, run, later=later)


def _log_of(message_id: str) -> Request[LogEntry]:
    return logs.entries(Filter(message_ids=(message_id,)))


def _read_log(ctx: Context, message_id: str) -> list[LogEntry]:
    return list(islice(ctx.read_pages(_log_of(message_id)), _MAX_ENTRIES))


def _of_dlq_entry(ctx: Context, send: Send, dlq_id: str) -> Parts:
    entry = send(dlq.get(dlq_id))
    message_id = entry["messageId"]
    return Parts(message_id, None, _read_log(ctx, message_id), entry, dlq_id)


def _of_message(ctx: Context, send: Send, message_id: str) -> Parts:
    # QStash forgets a message once it is finished; the log remembers it for some days.
    message: Message | None
    try:
        message = send(messages.get(message_id))
    except NotFound:
        message = None
    entries = _read_log(ctx, message_id)
    buried = None
    if history_of(entries).state == "FAILED" if entries else message is None:
        wanted = Filter(message_ids=(message_id,))
        buried = next(iter(ctx.read_pages(dlq.entries(wanted))), None)
    if message is None and buried is None and not entries:
        raise NotFound(
            f"no message, log entry or DLQ entry has the id {message_id}",
            hint="check the profile and the region; QStash keeps logs for a few days",
        )
    dlq_id = None if buried is None else buried.get("dlqId")
    return Parts(message_id, message, entries, buried, dlq_id)


def _screen(ctx: Context, parts: Parts) -> Iterator[Block]:
    history = history_of_records(parts.as_record())
    stored = parts.message or parts.dlq
    record = parts.merged
    yield from blocks_of(
        Shown(
            record={"createdAt": history.created_at_ms, **record},
            dlq_id=parts.dlq_id,
            history=history,
            body=stored_body(stored) if stored is not None else logged_body(parts.logs[0]),
            now_ms=ctx.system.now() * 1000,
            is_verbose=ctx.options.output.verbose,
            log_limit=_MAX_ENTRIES if len(parts.logs) == _MAX_ENTRIES else None,
        )
    )
    delivery = _delivery(parts)
    yield from signature_blocks(ctx, delivery)
    commands = next_commands(_situation(ctx, parts, history, delivery))
    if commands:
        yield Section("Next")
        yield Commands(commands)


def _delivery(parts: Parts) -> Delivery | str:
    """Returns the request to the destination, or why it is not known."""
    try:
        if parts.message is not None:
            return of_message(parts.message)
        if parts.dlq is not None:
            return of_message(parts.dlq)
        return of_log_entry(parts.logs[0])
    except BadInput as reason:
        return reason.message


def _situation(ctx: Context, parts: Parts, history: History, delivery: Delivery | str) -> Situation:
    settings = ctx.config.settings
    has_key = bool(ctx.config.signing_keys.current)
    return Situation(
        message_id=parts.message_id,
        state=history.state,
        dlq_id=parts.dlq_id,
        is_finished=history.state in ENDS,
        is_queued=bool(parts.merged.get("queueName")),
        can_replay=has_key and not isinstance(delivery, str) and not settings.protected,
        flags=connection_flags(ctx.options.connection),
    )

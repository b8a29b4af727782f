"""`qstash replay`: deliver messages from this machine to any URL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.exchanges import Send
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import dlq, logs, messages
from qstash_cli.client.api.filters import Filter
from qstash_cli.commands.common import local_delivery as delivering
from qstash_cli.commands.common.filters import DlqFilters
from qstash_cli.commands.common.local_delivery import HandlerOptions, Signed
from qstash_cli.errors import BadInput, NotDelivered, NotFound, PartlyDone, QstashError
from qstash_cli.files import parse_path, read_file, reason_of, write_atomically
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.delivery import Delivery
from qstash_cli.protocol.exported import delivery_of
from qstash_cli.protocol.ids import kind_of_id
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.redelivery import of_log_entry, of_message

app = group()

_VIEW = View(
    columns=(
        Column(name="id", of="id", width=17),
        Column(name="status", of="status", width=6),
        Column(name="ms", of="ms", width=6),
        Column(name="body", of=lambda r: r.get("body") or r.get("bodyBase64"), wraps=True),
        Column(name="error", of="error", wraps=True),
    ),
    id="id",
    empty="no matching entries",
)
_Named = tuple[str, Signed]


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """The target of the deliveries and the files to save."""

    to: str | None = flag("URL to deliver to", metavar="URL", section="Delivery")
    as_url: str | None = flag(
        "URL to sign for [default: the original URL]", metavar="URL", section="Delivery"
    )
    save: str | None = flag(
        "Directory that each request is saved in", metavar="DIR", section="Delivery"
    )
    file: Path | None = flag(
        "Deliver the messages of this file, as `dlq export` writes them",
        metavar="FILE",
        parse=parse_path,
        section="Delivery",
    )
    all: bool = flag("Select every entry of the dead letter queue", section="Filters")


@dataclass
class _Tally:
    """The deliveries so far."""

    delivered: int = 0
    refused: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def failure(self) -> QstashError | None:
        """Returns the error for deliveries that failed or were not accepted."""
        if self.refused:
            more = f", and {len(self.refused) - 1} more" if len(self.refused) > 1 else ""
            return NotDelivered(f"the handler did not accept {self.refused[0]}{more}")
        if self.skipped:
            return PartlyDone(
                f"{self.delivered} delivered, {len(self.skipped)} skipped",
                hint="QStash delivers what it hides: `qstash dlq retry ID`",
            )
        return None


@command(app, view=_VIEW)
def replay(
    ctx: Context,
    ids: Annotated[
        list[str] | None,
        Argument("DLQ ids or message ids", "ID", complete="dlq"),
    ] = None,
    *,
    target: ReplayOptions,
    handler: HandlerOptions,
    filters: DlqFilters,
) -> Result:
    """Deliver a DLQ entry, a message or a logged delivery from this machine, newly signed.

    Keeps the method, headers and body of the message, and signs for its original URL. Entries stay
    in the dead letter queue; the filters select among them. `qstash verify --request` reads the
    files that --save writes. Exits with 8 if a response is not 2xx.

    \b
    qstash replay 1725323658779-0 --to http://127.0.0.1:3000/hook
    qstash replay msg_123 --to http://127.0.0.1:3000/hook --as-url https://example.com/hook
    qstash replay --status 503 --since 1h --to http://127.0.0.1:3000/hook --save captured
    qstash replay --file messages.jsonl --to http://127.0.0.1:3000/hook
    """
    url = _validated_target(ids, target, filters)
    delivering.confirm_delivery(ctx, url, handler)
    sign = delivering.signer(ctx)
    tally = _Tally()
    found = (
        _of_file(target.file) if target.file is not None
        else _named(ctx, ids) if ids
        else _matching(ctx, filters, tally)
    )  # fmt: skip
    signed = ((name, sign(one._replace(url=target.as_url or one.url))) for name, one in found)

    def run(_send: Send) -> Result:
        records = _records(ctx, _saved(signed, target.save), url, handler, tally)
        total = len(ids) if ids else None
        return Result(
            data=ctx.measured(records, "messages delivered", total),
            view=_VIEW,
            done=lambda: f"Delivered {amount(tally.delivered, 'message')} to {url}",
            error=tally.failure,
        )

    return ctx.perform((delivering.request_of(one, url) for _, one in signed), run)


def _validated_target(ids: list[str] | None, target: ReplayOptions, filters: DlqFilters) -> str:
    if target.to is None:
        raise BadInput("no handler to deliver to", hint="add --to http://127.0.0.1:3000/hook")
    url = delivering.handler_url(target.to, "--to")
    if target.as_url is not None:
        delivering.handler_url(target.as_url, "--as-url")
    criteria = filters.filter()
    if target.file is not None:
        if ids or target.all or not criteria.is_empty:
            raise BadInput("--file cannot be combined with ids or filters", hint="nothing was sent")
        return url
    if ids and (target.all or not criteria.is_empty):
        raise BadInput("ids and filters cannot be combined", hint="nothing was sent")
    if not ids and criteria.is_empty and not target.all:
        raise BadInput("no message is named", hint="give an id, a filter such as --label, or --all")
    for one in ids or ():
        kind_of_id(one)
    return url


def _of_file(path: Path) -> list[tuple[str, Delivery]]:
    """Returns all deliveries before the first is sent, so that an error prevents all of them."""
    found = []
    for number, line in enumerate(read_file(str(path)).splitlines(), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            one = delivery_of(item if isinstance(item, dict) else {})
        except (ValueError, RecursionError):
            raise BadInput(
                f"line {number} is not JSON: {path}", hint="`qstash dlq export` writes such files"
            ) from None
        except BadInput as reason:
            raise BadInput(
                f"line {number}: {reason.message}: {path}", hint="nothing was sent"
            ) from None
        name = str(item.get("dlqId") or item.get("messageId") or f"line {number}")
        found.append((name, one))
    return found


def _named(ctx: Context, ids: list[str]) -> list[tuple[str, Delivery]]:
    """Returns all deliveries before the first is sent, so that an error prevents all of them."""
    return [(one, _delivery(ctx, one)) for one in ids]


def _delivery(ctx: Context, one: str) -> Delivery:
    try:
        if kind_of_id(one) == "DLQ":
            return of_message(ctx.read(dlq.get(one)))
        return _message(ctx, one)
    except BadInput as reason:
        raise BadInput(
            f"{one} cannot be delivered from here: {reason.message}",
            hint=f"{reason.hint}; nothing was sent",
        ) from None


def _message(ctx: Context, message_id: str) -> Delivery:
    """Returns the delivery of a message, from the log if the message no longer exists."""
    try:
        return of_message(ctx.read(messages.get(message_id)))
    except NotFound:
        criteria = Filter(message_ids=(message_id,))
        newest = next(ctx.read_pages(logs.entries(criteria, page=1)), None)
        if newest is None:
            raise NotFound(
                f"neither QStash nor its log has the message {message_id}",
                hint="check the profile and the region; QStash keeps logs for a few days",
            ) from None
        return of_log_entry(newest)


def _matching(ctx: Context, filters: DlqFilters, tally: _Tally) -> Iterator[tuple[str, Delivery]]:
    for entry in ctx.read_pages(dlq.entries(filters.filter())):
        try:
            yield entry["dlqId"], of_message(entry)
        except BadInput as reason:
            ctx.warn(f"{entry['dlqId']} is skipped: {reason.message}")
            tally.skipped.append(entry["dlqId"])


def _saved(signed: Iterable[_Named], directory: str | None) -> Iterator[_Named]:
    from qstash_cli.captures.capture import Capture
    from qstash_cli.captures.saved import as_raw_http

    for name, one in signed:
        if directory is not None:
            capture = Capture(
                source="replay",
                method=one.delivery.method,
                headers=one.headers,
                body=one.delivery.body,
            )
            file = re.sub(r"[^A-Za-z0-9_-]", "_", name)
            _write(Path(directory) / f"{file}.http", as_raw_http(capture, one.delivery.url))
        yield name, one


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as fault:
        raise BadInput(
            f"--save: the request cannot be saved: {path}", hint=reason_of(fault)
        ) from None


def _records(
    ctx: Context, signed: Iterator[_Named], url: str, handler: HandlerOptions, tally: _Tally
) -> Iterator[dict[str, object]]:
    for name, one in signed:
        with ctx.waiting(f"Waiting for {one.delivery.method} {url} …"):
            reply = delivering.deliver(one, url, handler.timeout)
        if delivering.is_accepted(reply):
            tally.delivered += 1
        else:
            tally.refused.append(f"{name}: {reply.status or reply.error}")
        own = {"id": name, "messageId": one.delivery.message_id, "url": one.delivery.url, "to": url}
        yield {**own, **delivering.reply_record(reply)}

"""Publish, get and cancel messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qstash_cli.client.api.filters import Filter, id_query, query
from qstash_cli.client.request import Request
from qstash_cli.protocol.ids import validate_id, validate_name
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.records import Cancelled, Message, Published


def publish(
    destination: str, options: MessageOptions, body: bytes
) -> Request[Published | list[Published]]:
    """Publishes `body` to a URL or URL group, through `options.queue` if there is one.

    Sending it twice is safe only if QStash can tell: with a deduplication of either kind.
    """
    queue = options.queue
    start = f"/v2/enqueue/{validate_name(queue, 'queue')}" if queue else "/v2/publish"
    return Request(
        method="POST",
        path=f"{start}/{destination}",
        headers=encode(replace(options, queue=None)),
        body=body,
        repeatable=bool(options.dedup_id or options.dedup_content),
        response=Published | list[Published],
    )


def batch(items: bytes) -> Request[list[Any]]:
    """Publishes the items of a JSON array, each of which must have a deduplication of its own.

    The answer has an object, an array for a URL group, or an `error` in the place of each item;
    `bulk.acknowledgements` checks it, since it knows which records are in doubt.
    """
    return Request(
        method="POST",
        path="/v2/batch",
        headers=(("Content-Type", "application/json"),),
        body=items,
        repeatable=True,
    )


def get(message_id: str) -> Request[Message]:
    """A message that is not yet done, or was until a moment ago."""
    return Request(
        method="GET", path=f"/v2/messages/{validate_id(message_id, 'message')}", response=Message
    )


def cancel(message_id: str) -> Request[Cancelled]:
    """Cancels one message."""
    return Request(
        method="DELETE",
        path=f"/v2/messages/{validate_id(message_id, 'message')}",
        response=Cancelled,
    )


def run_now(message_id: str) -> Request[None]:
    """Releases a message that waits for its delay or for a retry, without a further attempt.

    Sent twice it could release the retry after the one that was meant. Source: QStash docs, "Retry
    a message now".
    """
    path = f"/v2/messages/{validate_id(message_id, 'message')}/retry"
    return Request(method="POST", path=path, repeatable=False)


def cancel_many(message_ids: Sequence[str]) -> Request[Cancelled]:
    """Cancels up to 100 messages by their ids; those that are finished or unknown do not count."""
    checked = [validate_id(one, "message") for one in message_ids]
    return Request(
        method="DELETE",
        path="/v2/messages",
        query=id_query("messageIds", checked),
        repeatable=False,
        response=Cancelled,
    )


def cancel_matching(wanted: Filter) -> Request[Cancelled]:
    """Begins to cancel every message that matches; an empty filter matches every message.

    The response has the id of the bulk action that does it.
    Source: QStash docs, "Cancel messages in bulk".
    """
    return Request(
        method="DELETE",
        path="/v2/messages",
        query=(*query(wanted), ("async", "true")),
        repeatable=False,
        runs_in_background=True,
        response=Cancelled,
    )

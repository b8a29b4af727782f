"""Publish, get and cancel messages."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
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
    """Returns the request that publishes `body` to a URL or URL group, or to `options.queue`.

    The request is repeatable only with a deduplication id or content-based deduplication.
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
    """Returns the request that publishes a JSON array of items.

    Each item must have a deduplication id. The response has an object, an array for a URL group, or
    an `error` for each item; `batch.acknowledgements` validates it, since it knows the records.
    """
    return Request(
        method="POST",
        path="/v2/batch",
        headers=(("Content-Type", "application/json"),),
        body=items,
        repeatable=True,
    )


def batch_requests(items: bytes) -> list[Request[Any]]:
    """Returns the requests that publish a JSON array of items, in order.

    That is one request, unless items have a `bodyBase64`. QStash's batches have no binary bodies,
    so these items are published one by one.
    """
    if b'"bodyBase64"' not in items:
        return [batch(items)]
    requests: list[Request[Any]] = []
    for is_binary, group in groupby(json.loads(items), key=lambda item: "bodyBase64" in item):
        if is_binary:
            requests += map(_publish_binary, group)
        else:
            requests.append(batch(json.dumps(list(group)).encode()))
    return requests


def _publish_binary(item: Mapping[str, Any]) -> Request[Any]:
    queue = item.get("queue")
    start = f"/v2/enqueue/{validate_name(queue, 'queue')}" if queue else "/v2/publish"
    return Request(
        method="POST",
        path=f"{start}/{item['destination']}",
        headers=tuple(item["headers"].items()),
        body=b64decode(item["bodyBase64"]),
        repeatable=True,
        response=Published | list[Published],
    )


def get(message_id: str) -> Request[Message]:
    """Returns the request for a message, which QStash keeps until shortly after its end."""
    return Request(
        method="GET", path=f"/v2/messages/{validate_id(message_id, 'message')}", response=Message
    )


def cancel(message_id: str) -> Request[Cancelled]:
    """Returns the request that cancels a message."""
    return Request(
        method="DELETE",
        path=f"/v2/messages/{validate_id(message_id, 'message')}",
        response=Cancelled,
    )


def run_now(message_id: str) -> Request[None]:
    """Returns the request that releases a message which waits for its delay or for a retry.

    The number of attempts does not change. The request is not repeatable, because a repetition
    could release the next retry. Source: QStash docs, "Retry a message now".
    """
    path = f"/v2/messages/{validate_id(message_id, 'message')}/retry"
    return Request(method="POST", path=path, repeatable=False)


def cancel_many(message_ids: Sequence[str]) -> Request[Cancelled]:
    """Returns the request that cancels up to 100 messages by their ids.

    The count in the response excludes finished and unknown messages.
    """
    checked = [validate_id(one, "message") for one in message_ids]
    return Request(
        method="DELETE",
        path="/v2/messages",
        query=id_query("messageIds", checked),
        repeatable=False,
        response=Cancelled,
    )


def cancel_matching(criteria: Filter) -> Request[Cancelled]:
    """Returns the request that starts to cancel every matching message.

    An empty filter matches every message. The response has the id of the bulk action. Source:
    QStash docs, "Cancel messages in bulk".
    """
    return Request(
        method="DELETE",
        path="/v2/messages",
        query=(*query(criteria), ("async", "true")),
        repeatable=False,
        runs_in_background=True,
        response=Cancelled,
    )

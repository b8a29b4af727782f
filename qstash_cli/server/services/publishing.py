"""Publishing: destinations, URL groups, queues, deduplication.

Source: QStash docs, "Publish a message", "URL groups", "Deduplication", "Batch".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol import workflow
from qstash_cli.protocol.destination import is_url
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services import quota
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.publish_rules import PublishRequest, due_ms, validate
from qstash_cli.server.services.workflows import publishing as workflows
from qstash_cli.server.services.workflows.refusals import refuse_workflow_headers
from qstash_cli.server.storage import deduplication, messages, url_groups
from qstash_cli.server.storage.messages import NewMessage, StoredMessage
from qstash_cli.server.storage.store import Connection
from qstash_cli.server.storage.url_groups import UrlGroup

NewId = Callable[[str], str]


class PublishResult(NamedTuple):
    """The content of the response and the stored messages.

    The content is an object for a URL and a list for a URL group.
    """

    content: Any
    messages: tuple[StoredMessage, ...]


async def publish(account: Account, request: PublishRequest) -> PublishResult:
    """Stores the messages of a publish and delivers them when they are due.

    Raises `ApiError` or `BadInput` if QStash would refuse it.
    """
    result = await account.store.run(
        lambda connection: store_publish(connection, request, account.new_id)
    )
    account.engine.add(result.messages)
    return result


async def publish_batch(account: Account, requests: Sequence[PublishRequest]) -> list[Any]:
    """Publishes the items of a batch, and returns the content of each response in order.

    Raises `ApiError` or `BadInput`, with nothing stored, if an item is invalid. An item that fails
    because of stored data, such as an unknown URL group, has its error in its place. A batch with
    an invalid message of a workflow, such as a step of a run that has ended, is refused as a whole.
    """
    contents, stored = await account.store.run(
        lambda connection: _store_batch(connection, requests, account.new_id)
    )
    account.engine.add(stored)
    return contents


def store_publish(connection: Connection, request: PublishRequest, new_id: NewId) -> PublishResult:
    """Stores the messages of a publish. Raises `ApiError` if its URL group does not exist."""
    return _store_valid(connection, request, validate(request), new_id)


def _store_valid(
    connection: Connection, request: PublishRequest, options: MessageOptions, new_id: NewId
) -> PublishResult:
    queue = request.queue or options.queue
    if queue is not None:
        quota.validate_count(connection, request.limits, "queues", queue)
    if is_url(request.destination):
        quota.validate_daily_messages(connection, request.limits, 1, request.now_ms)
        headers = workflow.parse(request.headers)
        if headers is not None:
            of_run = workflows.store(connection, request, options, headers, new_id)
            return PublishResult(of_run.content, of_run.messages)
        new = _new_message(request, options, request.destination)
        content, stored = _store_once(connection, new, new_id)
        return PublishResult(content, stored)
    refuse_workflow_headers(request.headers, "for URL groups")
    group = url_groups.find(connection, request.destination)
    if group is None or not group.endpoints:
        raise ApiError(404, f"topic {request.destination} not found")
    quota.validate_daily_messages(connection, request.limits, len(group.endpoints), request.now_ms)
    return _store_for_group(connection, request, group, new_id)


def _store_for_group(
    connection: Connection, request: PublishRequest, group: UrlGroup, new_id: NewId
) -> PublishResult:
    # Guess: a header of the request overrides the group's default.
    names = {name.lower() for name, _ in request.headers}
    defaults = tuple((n, v) for n, v in group.headers if n.lower() not in names)
    refuse_workflow_headers(defaults, "for URL groups")
    options = validate(request._replace(headers=(*request.headers, *defaults)))
    contents: list[dict[str, Any]] = []
    stored: tuple[StoredMessage, ...] = ()
    for endpoint in group.endpoints:
        new = _new_message(request, options, endpoint["url"])._replace(
            url_group=group.name, endpoint=endpoint.get("name")
        )
        content, more = _store_once(connection, new, new_id)
        contents.append(content | {"url": endpoint["url"]})
        stored += more
    return PublishResult(contents, stored)


def _new_message(request: PublishRequest, options: MessageOptions, url: str) -> NewMessage:
    return NewMessage(
        url=url,
        options=options,
        body=request.body,
        created_ms=request.now_ms,
        due_ms=due_ms(request, options),
        caller_ip=request.caller_ip,
        schedule_id=request.schedule_id,
        queue=request.queue or options.queue,
    )


def _store_once(
    connection: Connection, new: NewMessage, new_id: NewId
) -> tuple[dict[str, Any], tuple[StoredMessage, ...]]:
    """Stores a message unless it is a duplicate."""
    key = _deduplication_key(new)
    known = key and deduplication.find(connection, key, new.created_ms)
    if known:
        return {"messageId": known, "deduplicated": True}, ()
    stored = messages.insert(connection, new, new_id)
    if key is not None:
        deduplication.add(connection, key, stored.id, new.created_ms)
    return {"messageId": stored.id}, (stored,)


def _deduplication_key(new: NewMessage) -> str | None:
    if new.schedule_id is not None:
        return None
    if new.options.dedup_id is not None:
        # Each endpoint of a group gets its own message.
        return f"id:{new.options.dedup_id}:{new.url if new.url_group else ''}"
    if not new.options.dedup_content:
        return None
    content = hashlib.sha256()
    parts = [new.url, *(f"{n}: {v}" for n, v in sorted(new.options.headers))]
    for part in (*(text.encode() for text in parts), new.body):
        content.update(len(part).to_bytes(8) + part)
    return f"content:{content.hexdigest()}"


def _store_batch(
    connection: Connection, requests: Sequence[PublishRequest], new_id: NewId
) -> tuple[list[Any], list[StoredMessage]]:
    valid = [(request, validate(request)) for request in requests]
    if requests:
        quota.validate_daily_messages(
            connection, requests[0].limits, len(requests), requests[0].now_ms
        )
    contents: list[Any] = []
    stored: list[StoredMessage] = []
    for request, options in valid:
        try:
            result = _store_valid(connection, request, options, new_id)
        except (ApiError, BadInput) as error:
            if workflow.parse(request.headers) is not None:
                # The SDK does not read the errors of items.
                raise
            contents.append({"error": error.message})
        else:
            contents.append(result.content)
            stored += result.messages
    return contents, stored

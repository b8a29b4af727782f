"""From a publish to stored messages: destinations, URL groups, queues, deduplication.

Source: QStash docs, "Publish a message", "URL groups", "Deduplication".
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol.conflicts import Conflict, find_conflict
from qstash_cli.protocol.destination import is_url, validate_url
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.ids import validate_name
from qstash_cli.protocol.limits import UNLIMITED, PlanLimits
from qstash_cli.protocol.option_headers import decode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.delivery import flow_control
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services import quota
from qstash_cli.server.services.workflows import refuse_workflow_headers
from qstash_cli.server.storage import message, queues, url_groups
from qstash_cli.server.storage.message import DEDUPLICATION_MS, Draft

_BAD_SCHEME = "invalid destination url: endpoint has invalid scheme, add http:// or https://"
_SAYING = ("upstash-", "content-type")
# The API speaks of headers, where the command line speaks of flags.
_CONTRADICTIONS = {
    Conflict.DELAY_IN_A_QUEUE: "a message in a queue cannot be delayed: "
    "remove Upstash-Delay and Upstash-Not-Before",
    Conflict.LIMITS_WITHOUT_A_KEY: "Upstash-Flow-Control-Value needs "
    "Upstash-Flow-Control-Key, the flow control key",
    Conflict.KEY_WITHOUT_LIMITS: "Upstash-Flow-Control-Key needs "
    "Upstash-Flow-Control-Value with a rate or parallelism",
}
NewId = Callable[[str], str]


class Order(NamedTuple):
    """A publish as it came in, and the limits of its sender. `now_ms` is the server's time."""

    destination: str
    headers: Headers
    body: bytes
    now_ms: int
    caller_ip: str
    queue: str | None = None
    schedule_id: str | None = None
    limits: PlanLimits = UNLIMITED


class Stored(NamedTuple):
    """A message that is now to be delivered."""

    message_id: str
    due_ms: int
    url: str
    queue: str | None
    flow: sqlite3.Row | None


class Accepted(NamedTuple):
    """What is answered, an object for a URL and a list for a URL group, and what was stored."""

    answer: Any
    stored: tuple[Stored, ...]

    @property
    def status(self) -> int:
        """201, or 202 if nothing was stored because it all was there already."""
        return 201 if self.stored else 202


def check(order: Order) -> MessageOptions:
    """The options of a publish. Raises `ApiError` or `BadInput` if QStash would refuse it."""
    refuse_workflow_headers(order.headers)
    options = _options(order.destination, order.headers, order.queue)
    quota.check_message(order.limits, options, order.body, order.now_ms)
    return options


def _options(destination: str, headers: Headers, queue: str | None) -> MessageOptions:
    if not destination:
        raise ApiError(400, "a non-empty destination must be provided")
    if not is_url(destination) and any(character in destination for character in ":/%?"):
        raise ApiError(400, _BAD_SCHEME)
    if is_url(destination):
        validate_url(destination)
    if any(n.lower() == "upstash-deduplication-id" and ":" in value for n, value in headers):
        raise ApiError(400, "DeduplicationId cannot contain ':'")
    options = _decoded(headers)
    line = queue or options.queue
    if line is not None:
        validate_name(line, "queue")
    found = find_conflict(options, "enqueue" if line and not options.cron else "publish")
    if found is not None:
        raise ApiError(400, _CONTRADICTIONS[found])
    return options


def _decoded(headers: Headers) -> MessageOptions:
    names = [name.lower() for name, _ in headers]
    # Then whatever came is forwarded, and hardly two publishes have the same headers.
    if "upstash-header-forward" in names:
        return decode(headers)
    said = (one for name, one in zip(names, headers, strict=True) if name.startswith(_SAYING))
    return _decoded_once(tuple(said))


# Many messages are published with the same options.
_decoded_once = lru_cache(maxsize=256)(decode)


def accept(connection: sqlite3.Connection, order: Order, new_id: NewId) -> Accepted:
    """Stores the messages of a publish. Raises `ApiError` if its URL group is not known."""
    options = check(order)
    line = order.queue or options.queue
    if line is not None:
        quota.check_room(connection, order.limits, "queues", line)
    if is_url(order.destination):
        quota.check_day(connection, order.limits, 1, order.now_ms)
        return _to_one(connection, order, options, new_id)
    group = url_groups.find(connection, order.destination)
    if group is None or not group.endpoints:
        raise ApiError(404, f"topic {order.destination} not found")
    quota.check_day(connection, order.limits, len(group.endpoints), order.now_ms)
    return _to_group(connection, order, group, new_id)


def _to_one(
    connection: sqlite3.Connection, order: Order, options: MessageOptions, new_id: NewId
) -> Accepted:
    draft = _draft(order, options, order.destination)
    answer, stored = _store(connection, draft, new_id)
    return Accepted(answer=answer, stored=stored)


def _to_group(
    connection: sqlite3.Connection, order: Order, group: url_groups.Topic, new_id: NewId
) -> Accepted:
    # Guess: a header of the request wins over the group's own.
    named = {name.lower() for name, _ in order.headers}
    defaults = tuple((n, v) for n, v in group.headers if n.lower() not in named)
    options = check(order._replace(headers=(*order.headers, *defaults)))
    answers: list[dict[str, Any]] = []
    stored: tuple[Stored, ...] = ()
    for endpoint in group.endpoints:
        draft = _draft(order, options, endpoint["url"])._replace(
            topic=group.name, endpoint=endpoint.get("name")
        )
        answer, more = _store(connection, draft, new_id)
        answers.append(answer | {"url": endpoint["url"]})
        stored += more
    return Accepted(answer=answers, stored=stored)


def _draft(order: Order, options: MessageOptions, url: str) -> Draft:
    due_ms = order.now_ms + (options.delay_s or 0) * 1000
    if options.not_before_s is not None:
        due_ms = max(order.now_ms, options.not_before_s * 1000)
    return Draft(
        url=url,
        options=options,
        body=order.body,
        created_ms=order.now_ms,
        due_ms=due_ms,
        caller_ip=order.caller_ip,
        schedule_id=order.schedule_id,
        queue=order.queue or options.queue,
    )


def _store(
    connection: sqlite3.Connection, draft: Draft, new_id: NewId
) -> tuple[dict[str, Any], tuple[Stored, ...]]:
    key = _deduplication_key(draft)
    known = key and _known(connection, key, draft.created_ms)
    if known:
        return {"messageId": known, "deduplicated": True}, ()
    stored = store(connection, draft, new_id)
    if key is not None:
        connection.execute(
            "INSERT INTO deduplication VALUES (?, ?, ?)",
            (key, stored.message_id, draft.created_ms + DEDUPLICATION_MS),
        )
    return {"messageId": stored.message_id}, (stored,)


def store(connection: sqlite3.Connection, draft: Draft, new_id: NewId) -> Stored:
    """Stores a message with the queue and the flow control key that it names."""
    if draft.queue is not None:
        queues.ensure(connection, draft.queue, draft.created_ms)
    limits = flow_control.configure(connection, draft.options)
    message_id = message.insert(connection, draft, new_id)
    return Stored(
        message_id=message_id, due_ms=draft.due_ms, url=draft.url, queue=draft.queue, flow=limits
    )


def _known(connection: sqlite3.Connection, key: str, now_ms: int) -> str | None:
    connection.execute("DELETE FROM deduplication WHERE until_ms <= ?", (now_ms,))
    # A clock that was set back makes no window longer.
    latest_ms = now_ms + DEDUPLICATION_MS
    connection.execute(
        "UPDATE deduplication SET until_ms = ? WHERE until_ms > ?", (latest_ms, latest_ms)
    )
    row = connection.execute(
        "SELECT message_id FROM deduplication WHERE key = ?", (key,)
    ).fetchone()
    return row["message_id"] if row else None


def _deduplication_key(draft: Draft) -> str | None:
    if draft.schedule_id is not None:
        return None
    if draft.options.dedup_id is not None:
        # Each endpoint of a group gets its own message.
        return f"id:{draft.options.dedup_id}:{draft.url if draft.topic else ''}"
    if not draft.options.dedup_content:
        return None
    content = hashlib.sha256()
    parts = [draft.url, *(f"{n}: {v}" for n, v in sorted(draft.options.headers))]
    for part in (*(text.encode() for text in parts), draft.body):
        content.update(len(part).to_bytes(8) + part)
    return f"content:{content.hexdigest()}"


def batch(
    connection: sqlite3.Connection, orders: Sequence[Order], new_id: NewId
) -> tuple[list[Any], list[Stored]]:
    """The answers to the items of a batch, in order, and what was stored.

    Raises `ApiError` or `BadInput`, with nothing stored, if one of the items cannot be right; an
    item that fails for what is stored elsewhere has its error in its place.
    """
    for order in orders:
        check(order)
    if orders:
        quota.check_day(connection, orders[0].limits, len(orders), orders[0].now_ms)
    answers: list[Any] = []
    stored: list[Stored] = []
    for order in orders:
        try:
            accepted = accept(connection, order, new_id)
        except ApiError as error:
            answers.append({"error": error.message})
        except BadInput as error:
            answers.append({"error": str(error)})
        else:
            answers.append(accepted.answer)
            stored += accepted.stored
    return answers, stored

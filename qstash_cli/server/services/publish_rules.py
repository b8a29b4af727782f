"""The rules that a publish must follow. Source: QStash docs, "Publish a message"."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from qstash_cli.protocol.conflicts import Conflict, find_conflict
from qstash_cli.protocol.destination import is_url, validate_url
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.ids import validate_name
from qstash_cli.protocol.limits import UNLIMITED, PlanLimits
from qstash_cli.protocol.option_headers import decode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services import quota

_BAD_SCHEME = "invalid destination url: endpoint has invalid scheme, add http:// or https://"
_OPTION_PREFIXES = ("upstash-", "content-type")
# The API names headers where the command line names flags.
_CONFLICTS = {
    Conflict.DELAY_IN_A_QUEUE: "a message in a queue cannot be delayed: "
    "remove Upstash-Delay and Upstash-Not-Before",
    Conflict.LIMITS_WITHOUT_A_KEY: "Upstash-Flow-Control-Value needs "
    "Upstash-Flow-Control-Key, the flow control key",
    Conflict.KEY_WITHOUT_LIMITS: "Upstash-Flow-Control-Key needs "
    "Upstash-Flow-Control-Value with a rate or parallelism",
}


class PublishRequest(NamedTuple):
    """A publish as it was received, and the sender's limits. `now_ms` is the server's time."""

    destination: str
    headers: Headers
    body: bytes
    now_ms: int
    caller_ip: str
    queue: str | None = None
    schedule_id: str | None = None
    limits: PlanLimits = UNLIMITED


def validate(request: PublishRequest) -> MessageOptions:
    """Returns the options of a publish.

    Raises `ApiError` or `BadInput` if QStash would refuse it.
    """
    # Most clients send more headers than these, and every check below reads all that it gets.
    named = tuple(one for one in request.headers if one[0].lower().startswith(_OPTION_PREFIXES))
    _validate_destination(request.destination)
    options = _options(request, named)
    quota.validate_message(request.limits, options, request.body, request.now_ms)
    return options


def due_ms(request: PublishRequest, options: MessageOptions) -> int:
    """Returns when a message is to be delivered."""
    if options.not_before_s is not None:
        return max(request.now_ms, options.not_before_s * 1000)
    return request.now_ms + (options.delay_s or 0) * 1000


def _validate_destination(destination: str) -> None:
    if not destination:
        raise ApiError(400, "a non-empty destination must be provided")
    if is_url(destination):
        _validate_url_once(destination)
    elif any(character in destination for character in ":/%?"):
        raise ApiError(400, _BAD_SCHEME)


def _options(request: PublishRequest, named: Headers) -> MessageOptions:
    """Returns the options in the headers whose names have one of `_OPTION_PREFIXES`."""
    if any(n.lower() == "upstash-deduplication-id" and ":" in value for n, value in named):
        raise ApiError(400, "DeduplicationId cannot contain ':'")
    options = _decode_once(named)
    if options.header_forward:
        options = decode(request.headers)
    queue = request.queue or options.queue
    if queue is not None:
        validate_name(queue, "queue")
    found = find_conflict(options, "enqueue" if queue and not options.cron else "publish")
    if found is not None:
        raise ApiError(400, _CONFLICTS[found])
    return options


# Many messages are published with the same options, and to the same destination.
_decode_once = lru_cache(maxsize=256)(decode)
_validate_url_once = lru_cache(maxsize=256)(validate_url)

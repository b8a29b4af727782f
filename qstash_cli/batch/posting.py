"""Posts the items of a chunk, with a request of its own for each binary body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qstash_cli.client.api import messages
from qstash_cli.client.retry import RetryPolicy

if TYPE_CHECKING:
    from qstash_cli.client.client import Client


def post_items(client: Client, items: bytes, retry: RetryPolicy) -> Any:
    """Publishes a JSON array of items, and returns QStash's response to a batch of all of them."""
    requests = messages.batch_requests(items)
    if len(requests) == 1 and requests[0].response is None:
        return client.send(requests[0], retry)
    # A publish has one response, a batch a list of them.
    responses = [(one, client.send(one, retry)) for one in requests]
    return [
        item
        for request, response in responses
        for item in (response if request.response is None else [response])
    ]

"""Queues: list, get, set, pause, resume and delete them."""

from __future__ import annotations

import json

from qstash_cli.client.request import Request
from qstash_cli.protocol.ids import validate_name
from qstash_cli.protocol.records import Queue

_JSON = (("Content-Type", "application/json"),)


def list_all() -> Request[list[Queue]]:
    """Returns the request for all queues."""
    return Request(method="GET", path="/v2/queues", response=list[Queue])


def get(name: str) -> Request[Queue]:
    """Returns the request for a queue."""
    return Request(method="GET", path=_path(name), response=Queue)


def put(name: str, *, parallelism: int | None = None) -> Request[None]:
    """Returns the request that creates or updates a queue."""
    fields = {"queueName": validate_name(name, "queue"), "parallelism": parallelism}
    body = {key: value for key, value in fields.items() if value is not None}
    return Request(
        method="POST",
        path="/v2/queues",
        headers=_JSON,
        body=json.dumps(body).encode(),
        repeatable=True,
    )


def pause(name: str) -> Request[None]:
    """Returns the request that pauses a queue. Deliveries in flight continue."""
    return Request(method="POST", path=f"{_path(name)}/pause", repeatable=True)


def resume(name: str) -> Request[None]:
    """Returns the request that resumes a queue."""
    return Request(method="POST", path=f"{_path(name)}/resume", repeatable=True)


def delete(name: str) -> Request[None]:
    """Returns the request that deletes a queue and its messages."""
    # QStash responds with 200 even if the queue no longer exists.
    return Request(method="DELETE", path=_path(name), repeatable=True)


def _path(name: str) -> str:
    return f"/v2/queues/{validate_name(name, 'queue')}"

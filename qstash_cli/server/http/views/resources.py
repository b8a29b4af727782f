"""Queues, URL groups, flow control keys and bulk actions as QStash's JSON."""

from __future__ import annotations

from typing import Any

from qstash_cli.server.services.flow_control import FlowState
from qstash_cli.server.storage.bulk_actions import BulkAction
from qstash_cli.server.storage.queues import Queue
from qstash_cli.server.storage.url_groups import UrlGroup


def queue(found: Queue) -> dict[str, Any]:
    """Returns a queue."""
    return {
        "createdAt": found.created_ms,
        "updatedAt": found.updated_ms,
        "name": found.name,
        "parallelism": found.parallelism,
        "lag": found.lag,
        "paused": bool(found.is_paused),
    }


def url_group(found: UrlGroup) -> dict[str, Any]:
    """Returns a URL group; each header has a list of values."""
    headers: dict[str, list[str]] = {}
    for name, value in found.headers:
        headers.setdefault(name, []).append(value)
    return {
        "createdAt": found.created_ms,
        "updatedAt": found.updated_ms,
        "name": found.name,
        "endpoints": list(found.endpoints),
    } | ({"headers": headers} if headers else {})


def flow(found: FlowState) -> dict[str, Any]:
    """Returns a flow control key; `ratePeriodStart` is in seconds."""
    return {
        "flowControlKey": found.key,
        "waitListSize": found.waiting,
        "parallelismMax": found.parallelism,
        "parallelismCount": found.active,
        "rateMax": found.rate,
        "rateCount": found.used,
        "ratePeriod": found.period_s,
        "ratePeriodStart": found.started_ms // 1000,
        "isPaused": found.is_paused,
        "isPinnedParallelism": found.pins_parallelism,
        "isPinnedRate": found.pins_rate,
    }


def bulk_action(found: BulkAction) -> dict[str, Any]:
    """Returns a bulk action; `completedAt` is left out while it is in progress."""
    is_finished = found.completed_ms is not None
    return {
        "actionId": found.id,
        "kind": "cancel",
        "state": "FINISHED" if is_finished else "IN_PROGRESS",
        "total": found.total,
        "processed": found.processed,
        "createdAt": found.created_ms,
        **({"completedAt": found.completed_ms} if is_finished else {}),
        "filter": found.filter,
    }

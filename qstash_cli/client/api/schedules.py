"""Schedules: create, list, get, pause, resume and delete them."""

from __future__ import annotations

from qstash_cli.client.request import Request
from qstash_cli.protocol.ids import validate_name
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.records import Schedule, Scheduled


def create(destination: str, options: MessageOptions, body: bytes) -> Request[Scheduled]:
    """Returns the request that creates a schedule, or replaces `options.schedule_id`."""
    return Request(
        method="POST",
        path=f"/v2/schedules/{destination}",
        headers=encode(options),
        body=body,
        repeatable=options.schedule_id is not None,
        response=Scheduled,
    )


def list_all() -> Request[list[Schedule]]:
    """Returns the request for all schedules."""
    return Request(method="GET", path="/v2/schedules", response=list[Schedule])


def get(schedule_id: str) -> Request[Schedule]:
    """Returns the request for a schedule."""
    return Request(method="GET", path=_path(schedule_id), response=Schedule)


def pause(schedule_id: str) -> Request[None]:
    """Returns the request that pauses a schedule; its runs are skipped."""
    return Request(method="PATCH", path=f"{_path(schedule_id)}/pause", repeatable=True)


def resume(schedule_id: str) -> Request[None]:
    """Returns the request that resumes a schedule."""
    return Request(method="PATCH", path=f"{_path(schedule_id)}/resume", repeatable=True)


def delete(schedule_id: str) -> Request[None]:
    """Returns the request that deletes a schedule. Published messages are still delivered."""
    return Request(method="DELETE", path=_path(schedule_id))


def _path(schedule_id: str) -> str:
    return f"/v2/schedules/{validate_name(schedule_id, 'schedule')}"

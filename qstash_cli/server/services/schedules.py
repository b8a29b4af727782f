"""Schedules. Source: QStash docs, "Schedules"."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol.cron import next_fire_s, parse_cron
from qstash_cli.protocol.ids import validate_name
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services import quota
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.publish_rules import PublishRequest, validate
from qstash_cli.server.services.publishing import NewId
from qstash_cli.server.services.workflows.refusals import refuse_workflow_headers
from qstash_cli.server.storage import schedules
from qstash_cli.server.storage.schedules import Schedule
from qstash_cli.server.storage.store import Connection

# The next time of a schedule that cannot fire, later than any other time.
NEVER_MS = 2**53
_OWN_HEADERS = ("upstash-cron", "upstash-schedule-id")


class ScheduleState(NamedTuple):
    """A schedule, and the status of each message that it published last."""

    schedule: Schedule
    last_statuses: dict[str, str]

    @property
    def next_ms(self) -> int | None:
        """When the schedule fires next, None if never."""
        return self.schedule.next_ms if is_time(self.schedule.next_ms) else None


async def put(account: Account, request: PublishRequest) -> str:
    """Creates a schedule, or replaces the one with the same id, and returns its id.

    Raises `ApiError` or `BadInput` if QStash would refuse it.
    """
    schedule_id = await account.store.run(
        lambda connection: store_schedule(connection, request, account.new_id)
    )
    account.scheduler.changed()
    return schedule_id


async def list_all(account: Account) -> AsyncIterator[ScheduleState]:
    """Yields all schedules, oldest first."""
    # There are no pages, and a schedule may have a body of 50 MB: each is read when it is needed.
    for schedule_id in await account.store.run(schedules.list_ids):
        found = await account.store.run(lambda connection: _find(connection, schedule_id))  # noqa: B023 - awaited at once
        if found is not None:
            yield found


async def get(account: Account, schedule_id: str) -> ScheduleState:
    """Returns the schedule with this id. Raises `ApiError` if there isn't one."""

    def read(connection: Connection) -> ScheduleState:
        return _state(connection, schedules.get(connection, schedule_id))

    return await account.store.run(read)


async def get_headers(account: Account, schedule_id: str) -> list[tuple[str, str]]:
    """Returns the stored headers of a schedule, which are its options, or none if it is new."""

    def read(connection: Connection) -> list[tuple[str, str]]:
        found = schedules.find(connection, schedule_id)
        return [(name, value) for name, value in json.loads(found.headers_json)] if found else []

    return await account.store.run(read)


async def delete(account: Account, schedule_id: str) -> None:
    """Deletes a schedule. Raises `ApiError` if it does not exist."""
    await account.store.run(lambda connection: schedules.delete(connection, schedule_id))


async def pause(account: Account, schedule_id: str, *, is_paused: bool) -> None:
    """Pauses or resumes a schedule. Raises `ApiError` if it does not exist."""
    await account.store.run(
        lambda connection: schedules.pause(connection, schedule_id, is_paused=is_paused)
    )


def store_schedule(connection: Connection, request: PublishRequest, new_id: NewId) -> str:
    """Stores a schedule and returns its id; see `put`."""
    refuse_workflow_headers(request.headers, "in schedules; schedule the URL of the workflow")
    options = validate(request)
    if not options.cron:
        raise ApiError(400, "Upstash-Cron is missing")
    schedule_id = options.schedule_id or new_id("scd")
    validate_name(schedule_id, "schedule")
    quota.validate_count(connection, request.limits, "schedules", schedule_id)
    cron = options.cron.strip()
    schedules.put(
        connection,
        schedule_id,
        cron=cron,
        destination=request.destination,
        headers=tuple(header for header in request.headers if _is_stored(header[0])),
        body=request.body,
        caller_ip=request.caller_ip,
        next_ms=next_fire_ms(cron, request.now_ms),
        now_ms=request.now_ms,
    )
    return schedule_id


def next_fire_ms(cron: str, now_ms: int) -> int:
    """Returns when a cron expression fires after now. Raises `ApiError` if it is not valid."""
    try:
        at_s = next_fire_s(parse_cron(cron), now_ms / 1000)
    except BadInput as error:
        raise ApiError(400, f"Upstash-Cron: {error.message}") from None
    if at_s is None:
        raise ApiError(400, "Upstash-Cron: it never fires")
    return at_s * 1000


def is_time(value: object) -> bool:
    """Returns whether a stored next time is one at which the schedule fires."""
    return isinstance(value, int) and value < NEVER_MS


def _is_stored(name: str) -> bool:
    lower = name.lower()
    is_option = lower.startswith("upstash-") and not lower.startswith("upstash-telemetry-")
    return (is_option and lower not in _OWN_HEADERS) or lower == "content-type"


def _find(connection: Connection, schedule_id: str) -> ScheduleState | None:
    found = schedules.find(connection, schedule_id)
    return None if found is None else _state(connection, found)


def _state(connection: Connection, schedule: Schedule) -> ScheduleState:
    return ScheduleState(schedule, schedules.last_statuses(connection, schedule))

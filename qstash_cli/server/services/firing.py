"""Firing the schedules in the store. Source: QStash docs, "Schedules"."""

from __future__ import annotations

import json
import logging

from qstash_cli.protocol.limits import UNLIMITED, PlanLimits
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.publish_rules import PublishRequest
from qstash_cli.server.services.publishing import NewId, PublishResult, store_publish
from qstash_cli.server.services.schedules import NEVER_MS, is_time, next_fire_ms
from qstash_cli.server.storage import schedules
from qstash_cli.server.storage.schedules import Schedule, ScheduleTime
from qstash_cli.server.storage.store import Connection, run_or_undo

_MAX_ERROR_CHARACTERS = 1000
_logger = logging.getLogger(__name__)


def fire_due(
    connection: Connection, now_ms: int, new_id: NewId, limits: PlanLimits = UNLIMITED
) -> list[PublishResult]:
    """Fires each due schedule once, and moves it to its next time after now.

    A schedule that missed several times, while the server was not running, fires once. A schedule
    that fails does not keep the others from firing.
    """
    results: list[PublishResult] = []
    for schedule in schedules.list_due(connection, now_ms):
        next_ms = _next_or_stop(connection, schedule, now_ms)
        if next_ms is None:
            continue
        schedules.set_next(connection, schedule.id, next_ms)
        if schedule.is_paused:
            continue
        result = _fire(connection, schedule, now_ms, new_id, limits)
        results += [] if result is None else [result]
    return results


async def run_now(account: Account, schedule_id: str) -> PublishResult:
    """Publishes the message of a schedule now; its next run stays. Raises `ApiError`."""
    now_ms = account.clock.now_ms()

    def publish(connection: Connection) -> PublishResult:
        request = _request(schedules.get(connection, schedule_id), now_ms, account.limits)
        return store_publish(connection, request, account.new_id)

    result = await account.store.run(publish)
    account.engine.add(result.messages)
    return result


def repair(connection: Connection, now_ms: int) -> None:
    """Stops the schedules whose cron expression is damaged, and repairs damaged times."""
    for schedule in schedules.list_times(connection):
        next_ms = _next_or_stop(connection, schedule, now_ms)
        if next_ms is not None and not is_time(schedule.next_ms):
            schedules.set_next(connection, schedule.id, next_ms, error="")


def move_back(connection: Connection, now_ms: int) -> None:
    """Moves each schedule to its next time after now, if that is earlier than the stored one."""
    for schedule in schedules.list_times(connection):
        next_ms = _next_or_stop(connection, schedule, now_ms)
        if next_ms is not None and next_ms < schedule.next_ms:
            schedules.set_next(connection, schedule.id, next_ms)


def restart_from(connection: Connection, now_ms: int) -> None:
    """Moves each schedule to its next time after now, whatever the stored one is."""
    for schedule in schedules.list_times(connection):
        next_ms = _next_or_stop(connection, schedule, now_ms)
        if next_ms is not None:
            schedules.set_next(connection, schedule.id, next_ms)


def _next_or_stop(
    connection: Connection, schedule: Schedule | ScheduleTime, now_ms: int
) -> int | None:
    """Returns when a schedule fires after now.

    A schedule whose cron expression is damaged never fires again: its error is stored and logged.
    """
    try:
        return next_fire_ms(schedule.cron, now_ms)
    except Exception as fault:  # noqa: BLE001 - a damaged schedule must not stop the others
        error = f"the cron expression is damaged: {fault}"[:_MAX_ERROR_CHARACTERS]
        _logger.warning("schedule %r stops: %s", schedule.id, error)
        schedules.set_next(connection, schedule.id, NEVER_MS, error=error)
        return None


def _fire(
    connection: Connection, schedule: Schedule, now_ms: int, new_id: NewId, limits: PlanLimits
) -> PublishResult | None:
    """Publishes a schedule. Returns None if that failed: the error is stored and logged."""

    def publish() -> tuple[PublishResult | None, str]:
        return store_publish(connection, _request(schedule, now_ms, limits), new_id), ""

    def fail(fault: Exception) -> tuple[None, str]:
        error = (str(fault) or repr(fault))[:_MAX_ERROR_CHARACTERS]
        if error != schedule.error:
            _logger.warning("schedule %r published nothing: %s", schedule.id, error)
        return None, error

    result, error = run_or_undo(connection, publish, fail)
    message_ids = [] if result is None else [message.id for message in result.messages]
    schedules.set_last(connection, schedule.id, now_ms, message_ids, error)
    return result


def _request(schedule: Schedule, now_ms: int, limits: PlanLimits) -> PublishRequest:
    """Returns the publish of a schedule. Raises `ValueError` if its headers are damaged."""
    headers = json.loads(schedule.headers_json)
    return PublishRequest(
        destination=schedule.destination,
        headers=tuple((name, value) for name, value in headers),
        body=schedule.body,
        now_ms=now_ms,
        caller_ip=schedule.caller_ip,
        schedule_id=schedule.id,
        limits=limits,
    )

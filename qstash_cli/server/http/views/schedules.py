"""Schedules as QStash's JSON. Source: QStash OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from qstash_cli.protocol.backoff import DEFAULT_RETRIES
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.http import redaction
from qstash_cli.server.http.views.options import forwarded_headers, option_fields
from qstash_cli.server.services.schedules import ScheduleState
from qstash_cli.server.storage.columns import as_text
from qstash_cli.server.storage.messages import read_options
from qstash_cli.server.storage.schedules import Schedule

# QStash leaves these out of a schedule that does not have them.
_OPTIONAL = (
    "callback",
    "failure_callback",
    "delay_s",
    "timeout_s",
    "queue",
    "retry_delay",
    "flow_key",
    "parallelism",
    "rate",
    "period_s",
    "label",
)
_STATES = {"live": "IN_PROGRESS", "cancelling": "IN_PROGRESS", "delivered": "SUCCESS"}


def schedule(state: ScheduleState) -> dict[str, Any]:
    """Returns a schedule. One that is damaged has an error, and the defaults for its options."""
    found = state.schedule
    options, error = _options(found)
    optional = redaction.without_empty(
        {
            **option_fields(options, *_OPTIONAL),
            "callbackHeader": forwarded_headers(options, options.on_callback),
            "failureCallbackHeader": forwarded_headers(options, options.on_failure_callback),
            "lastScheduleTime": found.last_ms,
            "lastScheduleStates": {
                message_id: _STATES.get(status, "FAIL")
                for message_id, status in state.last_statuses.items()
            },
            "nextScheduleTime": state.next_ms,
            "error": found.error or error,
        }
    )
    return optional | {
        "scheduleId": found.id,
        "cron": as_text(found.cron),
        "createdAt": found.created_ms,
        "destination": as_text(found.destination),
        **option_fields(options, "method"),
        "header": forwarded_headers(options, options),
        "retries": DEFAULT_RETRIES if options.retries is None else options.retries,
        "callerIP": as_text(found.caller_ip),
        "isPaused": found.is_paused,
        **redaction.text("body", redaction.body(options.redact, found.body)),
    }


def _options(found: Schedule) -> tuple[MessageOptions, str]:
    """Returns the options of a schedule, or the defaults and an error if they are damaged."""
    try:
        return read_options(json.loads(found.headers_json)), ""
    except Exception as fault:  # noqa: BLE001 - a damaged schedule must not hide the others
        return MessageOptions(), f"the options cannot be decoded: {fault}"

"""Filters of lists and bulk operations, as SQL. Source: QStash OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from qstash_cli.protocol.states import normal_state
from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import Parameters, number, split

# Guess: QStash's limit is not documented; SQLite allows a thousand alternatives.
_MAX_VALUES = 900
_IN_PROGRESS = ("ACTIVE", "RETRY", "ERROR")


class Condition(NamedTuple):
    """A part of a WHERE clause and its parameters."""

    sql: str
    values: tuple[Any, ...] = ()


def one_of(column: str) -> Callable[[Sequence[str]], Condition]:
    """Returns a filter for a column that equals one of the values."""

    def build(values: Sequence[str]) -> Condition:
        return Condition(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))

    return build


def labels_in(column: str) -> Callable[[Sequence[str]], Condition]:
    """Returns a filter for a column of labels, which has a comma before and after each label."""

    def build(values: Sequence[str]) -> Condition:
        parts = " OR ".join(f"instr({column}, ?) > 0" for _ in values)
        return Condition(f"({parts})", tuple(f",{value}," for value in values))

    return build


def _states(values: Sequence[str]) -> Condition:
    states = [normal_state(value.upper()) for value in values]
    states += _IN_PROGRESS if "IN_PROGRESS" in states else ()
    return one_of("state")(states)


def _statuses(values: Sequence[str]) -> Condition:
    marks = ", ".join("?" * len(values))
    return Condition(f"dlq.status IN ({marks})", tuple(number(value) for value in values))


MESSAGE_FILTERS: dict[str, Callable[[Sequence[str]], Condition]] = {
    "messageId": one_of("messages.id"),
    "messageIds": one_of("messages.id"),
    "url": one_of("messages.url"),
    "host": one_of("messages.host"),
    "path": one_of("messages.path"),
    "topicName": one_of("messages.topic"),
    "scheduleId": one_of("messages.schedule_id"),
    "queueName": one_of("messages.queue"),
    "flowControlKey": one_of("messages.flow_key"),
    "callerIp": one_of("messages.caller_ip"),
    "callerIP": one_of("messages.caller_ip"),
    "label": labels_in("messages.labels"),
}
LOG_FILTERS = MESSAGE_FILTERS | {"state": _states}
DLQ_FILTERS = {
    name: build
    for name, build in MESSAGE_FILTERS.items()
    if name not in {"host", "path", "messageIds"}
} | {
    "dlqIds": one_of("dlq.id"),
    "responseStatus": _statuses,
}


def _of_run(column: str) -> Callable[[Sequence[str]], Condition]:
    def build(values: Sequence[str]) -> Condition:
        places = ", ".join("?" * len(values))
        sql = f"messages.run_seq IN (SELECT seq FROM workflow_runs WHERE {column} IN ({places}))"  # noqa: S608 - our own names
        # A column of numbers compares equal to texts of digits.
        return Condition(sql, tuple(values))

    return build


_CALLBACK_STATUSES = {
    "CALLBACK_INPROGRESS": "live",
    "CALLBACK_SUCCESS": "delivered",
    "CALLBACK_FAIL": "failed",
    "CALLBACK_CANCELED": "cancelled",
}


def _callback_states(values: Sequence[str]) -> Condition:
    places = ", ".join("?" * len(values))
    sql = (
        "messages.run_seq IN (SELECT workflow_runs.seq FROM workflow_runs JOIN messages AS report "  # noqa: S608 - our own names
        f"ON report.id = failure_message_id WHERE report.status IN ({places}))"
    )
    return Condition(sql, tuple(_CALLBACK_STATUSES.get(value, value) for value in values))


WORKFLOW_DLQ_FILTERS = DLQ_FILTERS | {
    "workflowRunId": _of_run("id"),
    "workflowUrl": _of_run("url"),
    "workflowCreatedAt": _of_run("created_ms"),
    "failureFunctionState": _callback_states,
    "failureCallbackState": _callback_states,
}


def conditions(
    given: Parameters,
    known: Mapping[str, Callable[[Sequence[str]], Condition]],
    *,
    time_column: str,
    ignored: frozenset[str],
) -> list[Condition]:
    """Returns the conditions of the parameters. `ignored` names those that are not filters.

    Raises `ApiError` for an unknown name or an empty value.
    """
    found = []
    for name, raw in given.items():
        values = split(name, raw)
        if name in ignored:
            continue
        if not values or not all(values):
            raise ApiError(400, f"{name} cannot be empty")
        if len(values) > _MAX_VALUES:
            raise ApiError(400, f"{name} has more than {_MAX_VALUES} values")
        if name in {"fromDate", "toDate"}:
            sign = ">=" if name == "fromDate" else "<="
            found.append(Condition(f"{time_column} {sign} ?", (number(values[-1]),)))
        elif name in known:
            found.append(known[name](values))
        else:
            raise ApiError(400, f"unknown query parameter: {name}")
    return found


def where(parts: Sequence[Condition]) -> tuple[str, tuple[Any, ...]]:
    """Returns all conditions as one clause, which is never empty."""
    sql = " AND ".join(part.sql for part in parts) or "1"
    return sql, tuple(value for part in parts for value in part.values)

"""Lists of workflow runs. Source of the filters: Upstash docs, "List Workflow Run Logs"."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from qstash_cli.server.parameters import Parameters, count, number
from qstash_cli.server.storage import filters
from qstash_cli.server.storage.filters import Condition, labels_in, one_of
from qstash_cli.server.storage.workflow_runs import COLUMNS, Run

_MAX_RUNS = 1000
_DEFAULT_RUNS = 10
_NO_FILTERS = frozenset({"count", "cursor", "order", "groupBy", "trimBody"})


class RunPage(NamedTuple):
    """Runs, newest first, and the cursor of the next page, None if there isn't one."""

    runs: list[Run]
    cursor: str | None


def _created(values: Sequence[str]) -> Condition:
    return Condition(
        f"created_ms IN ({', '.join('?' * len(values))})", tuple(number(one) for one in values)
    )


def _messages(values: Sequence[str]) -> Condition:
    places = ", ".join("?" * len(values))
    return Condition(
        f"seq IN (SELECT run_seq FROM messages WHERE id IN ({places}))",  # noqa: S608 - places only
        tuple(values),
    )


def _starting_with(values: Sequence[str]) -> Condition:
    parts = " OR ".join("substr(url, 1, length(?)) = ?" for _ in values)
    return Condition(f"({parts})", tuple(one for value in values for one in (value, value)))


def _of_messages(column: str) -> Callable[[Sequence[str]], Condition]:
    def build(values: Sequence[str]) -> Condition:
        places = ", ".join("?" * len(values))
        sql = (
            "EXISTS (SELECT 1 FROM messages WHERE run_seq = workflow_runs.seq "  # noqa: S608 - ours
            f"AND messages.url = workflow_runs.url AND {column} IN ({places}))"
        )
        return Condition(sql, tuple(values))

    return build


RUN_FILTERS: Mapping[str, Callable[[Sequence[str]], Condition]] = {
    "workflowRunId": one_of("id"),
    "workflowRunIds": one_of("id"),
    "workflowUrl": one_of("url"),
    "workflowCreatedAt": _created,
    "state": one_of("state"),
    "label": labels_in("labels"),
    "flowControlKey": one_of("flow_key"),
    "callerIp": one_of("caller_ip"),
    "callerIP": one_of("caller_ip"),
    "messageId": _messages,
    "host": _of_messages("messages.host"),
    "path": _of_messages("messages.path"),
}


def page(connection: sqlite3.Connection, given: Parameters) -> RunPage:
    """Returns the runs that the parameters select. Raises `ApiError` if they are not valid."""
    limit = count(given, default=_DEFAULT_RUNS, limit=_MAX_RUNS)
    is_oldest_first = given.get("order", ["latestFirst"])[-1] == "earliestFirst"
    order, sign = ("ASC", ">") if is_oldest_first else ("DESC", "<")
    parts = filters.conditions(given, RUN_FILTERS, time_column="created_ms", ignored=_NO_FILTERS)
    if given.get("cursor", [""])[-1]:
        parts.append(Condition(f"seq {sign} ?", (number(given["cursor"][-1]),)))
    runs = _list(connection, parts, f"ORDER BY seq {order} LIMIT ?", limit + 1)
    return RunPage(runs[:limit], str(runs[limit - 1].seq) if len(runs) > limit else None)


def list_live(
    connection: sqlite3.Connection, given: Parameters, *, limit: int, is_prefix: bool
) -> list[Run]:
    """Returns the oldest live runs that the parameters select.

    With `is_prefix`, a URL selects the runs whose URLs start with it. Raises `ApiError`.
    """
    known = dict(RUN_FILTERS)
    if is_prefix:
        known["workflowUrl"] = _starting_with
    parts = filters.conditions(given, known, time_column="created_ms", ignored=frozenset())
    parts.append(Condition("state = 'RUN_STARTED'"))
    return _list(connection, parts, "ORDER BY seq LIMIT ?", limit)


def _list(
    connection: sqlite3.Connection, parts: Sequence[Condition], end: str, limit: int
) -> list[Run]:
    clause, values = filters.where(parts)
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM workflow_runs WHERE {clause} {end}",  # noqa: S608 - our own names
        (*values, limit),
    )
    return [Run(*row) for row in rows]

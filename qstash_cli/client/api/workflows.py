"""Workflow runs: list, cancel and notify them.

Sources: Upstash Workflow docs, "API Reference"; the client of the workflow SDK.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from qstash_cli.client.request import Pairs, Request
from qstash_cli.errors import BadInput
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.workflow_records import CancelledRuns, Notified, WorkflowRun

PAGE = 100
# The largest number of runs that one request cancels by default.
CANCELLED_AT_ONCE = 100
_RUNS = "/v2/workflows/runs"


class RunFilter(NamedTuple):
    """A filter for runs, which must match every field. Several values of a field are alternatives.

    `from_ms` and `to_ms` are inclusive times of creation, for failed runs of the failure.
    `callback_states` are only for failed runs, and `states`, `message_ids`, `hosts` and `paths`
    only for the log.
    """

    run_ids: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    flow_keys: tuple[str, ...] = ()
    caller_ips: tuple[str, ...] = ()
    callback_states: tuple[str, ...] = ()
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the filter matches everything."""
        return self == RunFilter()


_PARAMETERS = {
    "run_ids": "workflowRunId",
    "message_ids": "messageId",
    "states": "state",
    "urls": "workflowUrl",
    "hosts": "host",
    "paths": "path",
    "labels": "label",
    "flow_keys": "flowControlKey",
    "caller_ips": "callerIp",
    "callback_states": "failureFunctionState",
    "from_ms": "fromDate",
    "to_ms": "toDate",
}


def run_query(criteria: RunFilter) -> Pairs:
    """Returns the query parameters of a filter, in the order of its fields."""
    pairs: list[tuple[str, str]] = []
    for field, name in _PARAMETERS.items():
        value = getattr(criteria, field)
        values = value if isinstance(value, tuple) else () if value is None else (value,)
        pairs += [(name, str(one)) for one in values]
    return tuple(pairs)


def runs(
    criteria: RunFilter, *, page: int = PAGE, with_bodies: bool = True
) -> Request[WorkflowRun]:
    """Returns the request for the pages of matching runs with their steps, newest first."""
    pairs = (("groupBy", "workflowRunId"), *run_query(criteria))
    return Request(
        method="GET",
        path="/v2/workflows/events",
        query=(*pairs, ("count", str(page)), *(() if with_bodies else (("trimBody", "0"),))),
        items="runs",
        response=WorkflowRun,
    )


def cancel_many(run_ids: Sequence[str]) -> Request[CancelledRuns]:
    """Returns the request that cancels runs by their ids; ended and unknown runs do not count.

    Raises `ValueError` for an empty list, which would select every run.
    """
    if not run_ids:
        raise ValueError("no run ids")
    return _cancel({"workflowRunIds": [validate_id(one, "workflow run") for one in run_ids]})


def cancel_matching(url: str | None) -> Request[CancelledRuns]:
    """Returns the request that cancels runs whose URL starts with `url`, or any run if None."""
    return _cancel({} if url is None else {"workflowUrl": url})


def _cancel(fields: dict[str, object]) -> Request[CancelledRuns]:
    return Request(
        method="DELETE",
        path=_RUNS,
        headers=(("Content-Type", "application/json"),),
        body=json.dumps(fields).encode(),
        repeatable=False,
        response=CancelledRuns,
    )


def notify(event_id: str, data: bytes, *, run_id: str | None = None) -> Request[list[Notified]]:
    """Returns the request that notifies the runs that wait for an event, or one run.

    QStash keeps an event for one run until the run waits for it. Raises `BadInput` for an event id
    that is not a path segment.
    """
    if not event_id or "/" in event_id:
        raise BadInput(f"not an event id: {event_id!r}", hint="nothing was sent")
    event = quote(event_id, safe="")
    run = "" if run_id is None else f"{validate_id(run_id, 'workflow run')}/"
    return Request(
        method="POST",
        path=f"/v2/notify/{run}{event}",
        body=data,
        repeatable=False,
        response=list[Notified],
    )

"""Failed workflow runs in the DLQ: list, get, resume, restart and delete them.

Source: Upstash Workflow docs, "API Reference", "DLQ".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from qstash_cli.client.api.filters import id_query
from qstash_cli.client.api.workflows import RunFilter, run_query
from qstash_cli.client.request import Request
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.records import Deleted
from qstash_cli.protocol.workflow_records import FailedRun, FailedRunPage, StartedRun, StartedRuns

Start = Literal["resume", "restart"]

PAGE = 100
# The largest number of runs that one request resumes or restarts.
STARTED_AT_ONCE = 50
_PATH = "/v2/workflows/dlq"


def entries(criteria: RunFilter) -> Request[FailedRun]:
    """Returns the request for the pages of matching entries."""
    return Request(
        method="GET",
        path=_PATH,
        query=(*run_query(criteria), ("count", str(PAGE))),
        items="messages",
        response=FailedRun,
    )


def first_page(criteria: RunFilter) -> Request[FailedRunPage]:
    """Returns the request for the first page of matching entries, as one response."""
    return Request(
        method="GET",
        path=_PATH,
        query=(*run_query(criteria), ("count", str(PAGE))),
        response=FailedRunPage,
    )


def get(dlq_id: str) -> Request[FailedRun]:
    """Returns the request for an entry."""
    return Request(method="GET", path=_of(dlq_id), response=FailedRun)


def start(how: Start, dlq_id: str, options: MessageOptions) -> Request[StartedRun]:
    """Returns the request that starts a new run for an entry, which it removes.

    `options` replace those of the failed run.
    """
    return Request(
        method="POST",
        path=f"{_PATH}/{how}/{validate_id(dlq_id, 'DLQ')}",
        headers=encode(options),
        repeatable=False,
        response=StartedRun,
    )


def start_many(how: Start, dlq_ids: Sequence[str], options: MessageOptions) -> Request[StartedRuns]:
    """Returns the request that starts new runs for up to 50 entries by their ids."""
    checked = [validate_id(one, "DLQ") for one in dlq_ids]
    return Request(
        method="POST",
        path=f"{_PATH}/{how}",
        query=id_query("dlqIds", checked),
        headers=encode(options),
        repeatable=False,
        response=StartedRuns,
    )


def start_matching(
    how: Start, criteria: RunFilter, options: MessageOptions
) -> Request[StartedRuns]:
    """Returns the request that starts new runs for up to 50 matching entries."""
    return Request(
        method="POST",
        path=f"{_PATH}/{how}",
        query=(*run_query(criteria), ("count", str(STARTED_AT_ONCE))),
        headers=encode(options),
        repeatable=False,
        response=StartedRuns,
    )


def retry_callback(dlq_id: str) -> Request[StartedRun]:
    """Returns the request that sends the failure callback of an entry again."""
    return Request(
        method="POST",
        path=f"{_PATH}/callback/{validate_id(dlq_id, 'DLQ')}",
        repeatable=False,
        response=StartedRun,
    )


def delete(dlq_id: str) -> Request[None]:
    """Returns the request that deletes an entry."""
    return Request(method="DELETE", path=_of(dlq_id))


def delete_many(dlq_ids: Sequence[str]) -> Request[Deleted]:
    """Returns the request that deletes up to 100 entries by their ids; unknown ids do not count."""
    checked = [validate_id(one, "DLQ") for one in dlq_ids]
    return Request(
        method="DELETE",
        path=_PATH,
        query=id_query("dlqIds", checked),
        repeatable=False,
        response=Deleted,
    )


def delete_matching(criteria: RunFilter) -> Request[Deleted]:
    """Returns the request that deletes up to 100 matching entries; an empty filter matches all."""
    return Request(
        method="DELETE",
        path=_PATH,
        query=(*run_query(criteria), ("count", str(PAGE))),
        response=Deleted,
    )


def _of(dlq_id: str) -> str:
    return f"{_PATH}/{validate_id(dlq_id, 'DLQ')}"

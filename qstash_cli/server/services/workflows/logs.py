"""The log of workflow runs. Source: Upstash docs, "List Workflow Run Logs"."""

from __future__ import annotations

from typing import NamedTuple

from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import Parameters
from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import workflow_details, workflow_pages
from qstash_cli.server.storage.paging import PAGE_BYTES
from qstash_cli.server.storage.store import Connection
from qstash_cli.server.storage.workflow_details import RunDetails

__all__ = ["RunDetails"]


class RunLogPage(NamedTuple):
    """Runs with their details, and the cursor of the next page, None if there isn't one."""

    runs: list[RunDetails]
    cursor: str | None


async def list_runs(account: Account, given: Parameters) -> RunLogPage:
    """Returns a page of the runs that the parameters select, newest first. Raises `ApiError`."""
    wanted = given.get("groupBy")
    if wanted and list(wanted) != ["workflowRunId"]:
        raise ApiError(400, f"unknown groupBy: {wanted[-1]}")
    return await account.store.run(lambda connection: _page(connection, given))


def _page(connection: Connection, given: Parameters) -> RunLogPage:
    page = workflow_pages.page(connection, given)
    found: list[RunDetails] = []
    size = 0
    for run in page.runs:
        size += run.size_bytes
        if found and size > PAGE_BYTES:
            return RunLogPage(found, str(found[-1].run.seq))
        found.append(workflow_details.read(connection, run))
    return RunLogPage(found, page.cursor)

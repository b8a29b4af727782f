"""Workflow runs: their steps, their end, and cancels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qstash_cli.protocol import workflow
from qstash_cli.protocol.workflow import RunState
from qstash_cli.server.delivery.workflow_runs import RunContext, RunEnd, end_run
from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import Parameters, count
from qstash_cli.server.services import quota
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.workflows import publishing
from qstash_cli.server.services.workflows.refusals import refused
from qstash_cli.server.storage import workflow_pages, workflow_runs, workflow_steps
from qstash_cli.server.storage.store import Connection
from qstash_cli.server.storage.workflow_runs import Run
from qstash_cli.server.storage.workflow_steps import StoredStep

_CANCELLED_AT_ONCE = 100
_MOST_CANCELLED = 1000
_NO_FILTERS = frozenset({"count", "cursor", "workflowUrlExactMatch"})

__all__ = ["StoredStep"]


class End(NamedTuple):
    """How a run ends: its state and result, and the time of the run as the SDK knows it."""

    state: RunState
    response: bytes
    created_at: str


async def list_steps(account: Account, run_id: str) -> list[StoredStep]:
    """Returns the steps and calls of a run in order. Raises `ApiError` 404 if it has ended."""

    def read(connection: Connection) -> list[StoredStep]:
        return workflow_steps.list_all(connection, _live(connection, run_id).seq)

    return await account.store.run(read)


async def end(account: Account, run_id: str, ending: End) -> None:
    """Ends a run. Raises `ApiError` 404 if it has ended in another way.

    A run that has succeeded may be ended as a success again: the endpoint repeats the request
    when the response is lost.
    """
    quota.validate_limit("MessageSize", len(ending.response), account.limits.body_bytes)

    def change(connection: Connection) -> RunEnd | None:
        run = workflow_runs.find_live(connection, run_id)
        if run is None or ending.created_at not in {"", str(run.created_ms)}:
            if _is_repeated(connection, run_id, ending):
                return None
            raise _not_found(run_id)
        publishing.validate_size(run, ending.response)
        return end_run(connection, run, ending.state, context_of(account), response=ending.response)

    ended = await account.store.run(change)
    if ended is not None:
        apply(account, ended)


async def cancel_ids(account: Account, run_ids: Sequence[str]) -> int:
    """Cancels those of the runs that are live, and returns their number."""

    def change(connection: Connection) -> list[RunEnd]:
        found = [workflow_runs.find_live(connection, one) for one in dict.fromkeys(run_ids)]
        return _cancel(connection, account, [run for run in found if run is not None])

    return _apply_all(account, await account.store.run(change))


async def cancel_matching(account: Account, given: Parameters) -> int:
    """Cancels the live runs that the parameters select, at most `count`; returns their number.

    Raises `ApiError` for parameters that are not valid.
    """
    is_exact = given.get("workflowUrlExactMatch", ["false"])[-1].lower() == "true"
    wanted = {name: values for name, values in given.items() if name not in _NO_FILTERS}
    limit = count(given, default=_CANCELLED_AT_ONCE, limit=_MOST_CANCELLED)

    def change(connection: Connection) -> list[RunEnd]:
        found = workflow_pages.list_live(connection, wanted, limit=limit, is_prefix=not is_exact)
        return _cancel(connection, account, found)

    return _apply_all(account, await account.store.run(change))


def context_of(account: Account) -> RunContext:
    """Returns the context for changing a run in a job of the account's store."""
    return RunContext(account.clock.now_ms(), account.new_id, account.engine.is_in_flight)


def apply(account: Account, ended: RunEnd) -> None:
    """Notifies the engine of the messages that the end of a run created and cancelled."""
    account.engine.remove(ended.cancelled)
    account.engine.add(ended.created)


def _cancel(connection: Connection, account: Account, runs: Sequence[Run]) -> list[RunEnd]:
    context = context_of(account)
    return [end_run(connection, run, workflow.CANCELED, context) for run in runs]


def _apply_all(account: Account, ends: Sequence[RunEnd]) -> int:
    for ended in ends:
        apply(account, ended)
    return len(ends)


def _is_repeated(connection: Connection, run_id: str, ending: End) -> bool:
    return ending.state == workflow.SUCCESS and any(
        ending.created_at in {"", str(created_ms)}
        for created_ms in workflow_runs.list_succeeded(connection, run_id)
    )


def _live(connection: Connection, run_id: str) -> Run:
    run = workflow_runs.find_live(connection, run_id)
    if run is None:
        raise _not_found(run_id)
    return run


def _not_found(run_id: str) -> ApiError:
    return refused(404, f"workflow run {run_id!r} not found")

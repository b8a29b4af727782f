"""Failed workflow runs in the DLQ. Source: Upstash docs, "DLQ" of Workflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol import workflow
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.option_headers import decode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.delivery import callbacks
from qstash_cli.server.delivery.http_attempt import AttemptResponse
from qstash_cli.server.delivery.workflow_runs import RunContext, header_pairs
from qstash_cli.server.delivery.workflows import new_failure_callback
from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import Parameters, count
from qstash_cli.server.services import quota
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.workflows.refusals import refused
from qstash_cli.server.services.workflows.resuming import restart_run, resume_run
from qstash_cli.server.services.workflows.runs import context_of
from qstash_cli.server.storage import dlq, messages, workflow_details, workflow_runs
from qstash_cli.server.storage.dlq import DlqEntry
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.paging import PAGE_BYTES
from qstash_cli.server.storage.store import Connection, run_or_undo
from qstash_cli.server.storage.workflow_details import Response
from qstash_cli.server.storage.workflow_runs import Run

# Documented: the largest number of runs that one request resumes or restarts.
_MAX_STARTED = 50


class FailedRun(NamedTuple):
    """A DLQ entry with its run, the message that reports the failure, and the response to it."""

    entry: DlqEntry
    run: Run
    report: StoredMessage | None
    response: Response | None

    @property
    def damage(self) -> str:
        """Why the run cannot be started again, empty if it can."""
        return self.run.damage or self.entry.message.damage


class FailedRunPage(NamedTuple):
    """Failed runs in order, and the cursor of the next page, empty if there isn't one."""

    runs: list[FailedRun]
    cursor: str


class NewRuns(NamedTuple):
    """Runs that were started for failed ones, and the cursor of the next page, or ""."""

    runs: list[Run]
    cursor: str


class _Started(NamedTuple):
    run: Run
    messages: tuple[StoredMessage, ...]


_Start = Callable[[Connection, FailedRun, MessageOptions, RunContext], _Started]


async def list_runs(account: Account, given: Parameters) -> FailedRunPage:
    """Returns a page of the failed runs that the parameters select. Raises `ApiError`."""

    def read(connection: Connection) -> FailedRunPage:
        page = dlq.page(connection, _of_workflows(given), max_bytes=PAGE_BYTES)
        return FailedRunPage([_failed(connection, one) for one in page.entries], page.cursor)

    return await account.store.run(read)


async def get(account: Account, dlq_id: str) -> FailedRun:
    """Returns the failed run with this DLQ id. Raises `ApiError` if there isn't one."""
    return await account.store.run(lambda connection: _get(connection, dlq_id))


async def delete(account: Account, dlq_id: str) -> None:
    """Deletes an entry. Raises `ApiError` if it does not exist."""

    def change(connection: Connection) -> None:
        dlq.delete(connection, [_get(connection, dlq_id).entry.id])

    await account.store.run(change)


async def delete_matching(account: Account, given: Parameters) -> tuple[int, str]:
    """Deletes a page of entries; returns their number and the cursor of the next page, or ""."""

    def change(connection: Connection) -> tuple[int, str]:
        page = dlq.page(connection, _of_workflows(given))
        dlq.delete(connection, [entry.id for entry in page.entries])
        return len(page.entries), page.cursor

    return await account.store.run(change)


async def resume(account: Account, given: Parameters, overrides: Headers) -> NewRuns:
    """Starts a run for each selected entry that continues where the failed one has stopped.

    Raises `ApiError` for an id that is not in the DLQ or whose run is damaged, or if the plan does
    not allow another run. Entries that are selected otherwise are skipped if they are damaged.
    """
    return await _start_matching(account, given, overrides, _resume)


async def restart(account: Account, given: Parameters, overrides: Headers) -> NewRuns:
    """Starts a run for each selected entry with the payload of the failed one.

    Raises `ApiError` as `resume` does.
    """
    return await _start_matching(account, given, overrides, _restart)


async def retry_failure_callback(account: Account, dlq_id: str) -> Run:
    """Reports a failed run again. Raises `ApiError` if it has no failure callback."""

    def change(connection: Connection) -> _Started:
        failed = _get(connection, dlq_id)
        entry, message = failed.entry, failed.entry.message
        headers = tuple(header_pairs(entry.response_headers))
        response = AttemptResponse(entry.response_status, headers, entry.response_body)
        report = callbacks.report(message, response, entry.id)
        stored = new_failure_callback(connection, failed.run, message, report, context_of(account))
        if stored is None:
            raise refused(400, f"workflow run {failed.run.id!r} has no failure callback")
        return _Started(failed.run, (stored,))

    started = await account.store.run(change)
    account.engine.add(started.messages)
    return started.run


async def _start_matching(
    account: Account, given: Parameters, overrides: Headers, start: _Start
) -> NewRuns:
    limit = count(given, default=_MAX_STARTED, limit=_MAX_STARTED)
    wanted = {**_of_workflows(given), "count": [str(limit)]}

    def change(connection: Connection) -> tuple[list[_Started], str]:
        page = dlq.page(connection, wanted)
        requested = {one for text in given.get("dlqIds", []) for one in text.split(",")}
        if len(page.entries) < len(requested) and not page.cursor:
            raise refused(404, "some workflow runs are not in the DLQ")
        started = []
        for entry in page.entries:
            one = _start_or_error(account, connection, entry, overrides, start)
            if isinstance(one, _Started):
                started.append(one)
            elif requested:
                raise one
        return started, page.cursor

    started, cursor = await account.store.run(change)
    account.engine.add([message for one in started for message in one.messages])
    return NewRuns([one.run for one in started], cursor)


def _resume(
    connection: Connection, failed: FailedRun, options: MessageOptions, context: RunContext
) -> _Started:
    return _Started(*resume_run(connection, failed.run, failed.entry.message, options, context))


def _restart(
    connection: Connection, failed: FailedRun, options: MessageOptions, context: RunContext
) -> _Started:
    return _Started(*restart_run(connection, failed.run, options, context))


def _start_or_error(
    account: Account, connection: Connection, entry: DlqEntry, overrides: Headers, start: _Start
) -> _Started | ApiError:
    """Starts the run of an entry, or returns an error if what is stored of it is damaged."""

    def start_entry() -> _Started | ApiError:
        failed = _failed(connection, entry)
        if failed.damage:
            raise ValueError(failed.damage)
        options = _options(account, connection, failed.run.options_json, overrides)
        failed = failed._replace(entry=_overridden(entry, decode(overrides)))
        started = start(connection, failed, options, context_of(account))
        dlq.delete(connection, [entry.id])
        return started

    def damaged(error: Exception) -> ApiError:
        if isinstance(error, ApiError | BadInput):
            raise error
        return refused(
            400, f"dlq entry {entry.id!r} cannot be started again: its run is damaged: {error}"
        )

    return run_or_undo(connection, start_entry, damaged)


def _options(
    account: Account, connection: Connection, options_json: str, overrides: Headers
) -> MessageOptions:
    options = messages.overridden_options(options_json, overrides)
    now_ms = account.clock.now_ms()
    quota.validate_message(account.limits, options, b"", now_ms)
    quota.validate_daily_messages(connection, account.limits, 1, now_ms)
    return replace(options, headers=workflow.without_unknown_sdk(options.headers))


def _overridden(entry: DlqEntry, given: MessageOptions) -> DlqEntry:
    """Returns an entry whose message has the given options in place of those that it sets."""
    options = workflow.override(entry.message.options, given)
    message = entry.message._replace(options_json=messages.encode_options(options))
    return entry._replace(message=message)


def _of_workflows(given: Parameters) -> Parameters:
    return {**given, "source": ["workflow"]}


def _get(connection: Connection, dlq_id: str) -> FailedRun:
    return _failed(connection, dlq.get(connection, dlq_id))


def _failed(connection: Connection, entry: DlqEntry) -> FailedRun:
    seq = entry.message.run_seq
    run = None if seq is None else workflow_runs.find(connection, seq)
    if run is None:
        raise refused(404, f"dlq entry {entry.id!r} does not belong to a workflow run")
    report = run.failure_message_id and messages.find(connection, run.failure_message_id)
    response = workflow_details.failure_response(connection, run) if report else None
    return FailedRun(entry, run, report or None, response)

"""Cancels messages by filter, and displays the progress of the bulk action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.polling import Deadline, Pending, poll
from qstash_cli.client.api import bulk_actions, messages
from qstash_cli.client.api.filters import Filter, query
from qstash_cli.errors import Interrupted, NotFound, QstashError, StillRunning, WaitTimedOut
from qstash_cli.output.meter import Measured
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.numbers import amount

if TYPE_CHECKING:
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.protocol.records import BulkAction, Cancelled

CANCELLED = View(columns=(Column(name="cancelled", of="cancelled"),), id="cancelled")
_STARTED = View(columns=(Column(name="actionId", of="actionId"), *CANCELLED.columns), id="actionId")
# QStash may not list an action immediately after it starts.
_UNKNOWN_FOR_S = 10


def cancel_matching(ctx: Context, criteria: Filter, *, is_async: bool, timeout_s: int) -> Result:
    """Cancels every matching message and, unless `is_async`, waits until this is finished."""
    request = messages.cancel_matching(criteria)

    def run(send: Send) -> Result:
        try:
            response = send(request)
        except StillRunning as error:
            response = _running(ctx, criteria, error)
        if is_async and response.get("actionId"):
            done = f"Started to cancel {amount(response['cancelled'], 'message')}"
            return Result(data=response, view=_STARTED, piped="ids", done=done)
        record = _finished(ctx, response, timeout_s)
        done = f"Cancelled {amount(record['cancelled'], 'message')}"
        return Result(data=record, view=CANCELLED, done=done)

    later = "" if is_async else "then GET /v2/bulkActions/{actionId} until it is FINISHED"
    return ctx.perform([request], run, later=later)


def _running(ctx: Context, criteria: Filter, error: StillRunning) -> Cancelled:
    """Returns the bulk action that QStash has started."""
    pairs = sorted(query(criteria))
    for action in ctx.read_pages(bulk_actions.list_all(states=("IN_PROGRESS",))):
        values = action.get("filter", {}).items()
        if sorted((name, value) for name, several in values for value in several) == pairs:
            return {"cancelled": action["total"], "actionId": action["actionId"]}
    raise error


def _finished(ctx: Context, response: Cancelled, timeout_s: int) -> Cancelled:
    action_id = response.get("actionId")
    # Without an action, QStash cancelled the messages within the request.
    if not action_id:
        return response
    action = _Followed(ctx, action_id, response["cancelled"]).wait(timeout_s)
    return {"cancelled": action["processed"], "actionId": action_id}


class _Followed:
    """A bulk action whose progress is displayed."""

    def __init__(self, ctx: Context, action_id: str, total: int) -> None:
        self._ctx = ctx
        self._id = action_id
        self._processed, self._total = 0, total
        self._hint = f"`qstash message actions {action_id}` shows its progress"

    def wait(self, timeout_s: int) -> BulkAction:
        """Waits until the action is finished. Raises `WaitTimedOut` or `Interrupted`."""
        try:
            return self._poll(timeout_s)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; {self._state()}", hint=self._hint) from None
        except WaitTimedOut:
            raise
        except QstashError as error:
            error.message = f"{error.message}; {self._state()}"
            error.hint = error.hint or self._hint
            raise

    def _poll(self, timeout_s: int) -> BulkAction:
        deadline = Deadline(self._ctx.system, timeout_s)

        def attempt() -> BulkAction | Pending:
            waited_s = deadline.elapsed_s()
            action = self._read(may_be_unknown=waited_s < _UNKNOWN_FOR_S)
            if action is not None and action["state"] == "FINISHED":
                return action
            meter.update(Measured(done=self._processed, total=self._total))
            return Pending("")

        def timed_out() -> WaitTimedOut:
            limit = format_duration(timeout_s)
            return WaitTimedOut(f"not finished within {limit}: {self._state()}", hint=self._hint)

        meter = self._ctx.meter("messages cancelled")
        with self._ctx.measuring(meter):
            return poll(attempt, deadline, report=lambda _progress: None, timed_out=timed_out)

    def _read(self, *, may_be_unknown: bool) -> BulkAction | None:
        try:
            action = self._ctx.read(bulk_actions.get(self._id))
        except NotFound:
            if may_be_unknown:
                return None
            raise
        self._processed, self._total = action["processed"], action["total"]
        return action

    def _state(self) -> str:
        done = f"{self._processed:,} of {self._total:,} messages"
        return f"the cancel continues in the background, so far {done}"

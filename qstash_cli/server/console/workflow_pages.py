"""The list of workflow runs, one run, and what their buttons do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from qstash_cli.errors import BadInput
from qstash_cli.protocol import workflow
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.run_log import failure_of, steps_of
from qstash_cli.server.console import rendering
from qstash_cli.server.console.forms import Done, action_of, notice, read_fields
from qstash_cli.server.console.message_rows import BADGES, Badge
from qstash_cli.server.console.page_context import base_context
from qstash_cli.server.console.rendering import Handler, handler
from qstash_cli.server.console.run_filters import filters_of
from qstash_cli.server.console.run_timeline import WIDTH, rows_of
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import account_of
from qstash_cli.server.http.views.workflow_logs import run_log
from qstash_cli.server.services.workflows import dlq, events, logs, runs
from qstash_cli.server.services.workflows.logs import RunLogPage

_PATH = "/console/workflows"
_ROWS = 50
# More of a result would make the page slow.
_MAX_BODY_BYTES = 20_000
_BADGES = {
    workflow.STARTED: Badge("active", "●"),
    workflow.SUCCESS: Badge("delivered", "✓"),
    workflow.FAILED: BADGES["failed"],
    workflow.CANCELED: BADGES["cancelled"],
}
_WORDS = {state: state.removeprefix("RUN_").lower() for state in workflow.RUN_STATES}


async def _list_context(request: Request) -> dict[str, Any]:
    account, before = account_of(request), request.query_params.get("before", "")
    filters, mistake = filters_of(request.query_params), ""
    page = RunLogPage([], None)
    try:
        wanted = filters.parameters(account.clock.now_s()) | {"count": [str(_ROWS)]}
    except BadInput as error:
        # The text may be incomplete, since the form is sent while it is filled in.
        mistake = error.message
    else:
        cursor = {"cursor": [before]} if before.isdecimal() else {}
        page = await logs.list_runs(account, wanted | cursor)
    steps = await run_in_threadpool(_step_counts, page, account.clock.now_ms())
    return base_context(request) | {
        "rows": [
            _row(one.run) | {"steps": count} for one, count in zip(page.runs, steps, strict=True)
        ],
        "states": [
            (filters._replace(state=name).query(), name, _WORDS[name], _BADGES[name])
            for name in _WORDS
        ],
        "all_states": filters._replace(state="").query(),
        "wanted": filters,
        "mistake": mistake,
        "query": filters.query(**({"before": before} if before else {})),
        "filtered": filters.query(),
        "older": filters.query(before=page.cursor) if page.cursor else None,
    }


def _step_counts(page: RunLogPage, now_ms: int) -> list[int]:
    """Returns the number of steps of each run, as in its log: a plan and its step are one."""
    return [sum(1 for _ in steps_of(run_log(one, body_limit=0, now_ms=now_ms)))
            for one in page.runs]  # fmt: skip


async def _rows_fragment(request: Request) -> Response:
    """The rows of the list alone; the filters of the form become the URL of the page."""
    context = await _list_context(request)
    response = rendering.page("workflow_rows.html", context)
    if request.query_params.get("from") == "form":
        query = context["filtered"]
        response.headers["HX-Replace-Url"] = f"{_PATH}?{query}" if query else _PATH
    return response


def _row(run: Any) -> dict[str, Any]:
    return {
        "id": run.id,
        "url": run.url,
        "badge": _BADGES[run.state],
        "word": _WORDS[run.state],
        "created_ms": run.created_ms,
        "took_ms": None if run.ended_ms is None else run.ended_ms - run.created_ms,
        "labels": list(run.options.label),
    }


async def _run_context(request: Request) -> dict[str, Any]:
    account, run_id = account_of(request), request.path_params["run_id"]
    page = await logs.list_runs(account, {"workflowRunId": [run_id], "count": ["1"]})
    if not page.runs:
        raise ApiError(404, f"workflow run {run_id!r} not found")
    now_ms = account.clock.now_ms()
    found = run_log(page.runs[0], body_limit=_MAX_BODY_BYTES, now_ms=now_ms)
    end_ms = found.get("workflowRunCompletedAt") or now_ms
    return base_context(request) | {
        "run": _row(page.runs[0].run),
        "run_id": run_id,
        "dlq_id": found.get("dlqId"),
        "is_live": found["workflowState"] == workflow.STARTED,
        "steps": rows_of(found, end_ms),
        "timeline_width": WIDTH,
        "response": found.get("workflowRunResponse", "").encode(errors="replace"),
        "failure": failure_of(found).encode(errors="replace"),
    }


async def _change_run(request: Request) -> Response:
    account, run_id = account_of(request), request.path_params["run_id"]
    if action_of(request, "cancel", "notify") == "cancel":
        count = await runs.cancel_ids(account, [run_id])
        return notice(request, Done(f"Cancelled {amount(count, 'workflow run')}"))
    fields = await read_fields(request)
    event_id = fields.get("event").strip()
    if not event_id:
        raise BadInput("the event id is empty")
    data = fields.get("data").encode(errors="surrogatepass")
    notified = await events.notify_run(account, run_id, event_id, data)
    return notice(request, Done(f"Notified {amount(len(notified), 'waiter')}"))


async def _change_failed(request: Request) -> Response:
    account, wanted = account_of(request), {"dlqIds": [request.path_params["dlq_id"]]}
    is_resume = action_of(request, "resume", "restart") == "resume"
    change = dlq.resume if is_resume else dlq.restart
    started = await change(account, wanted, ())
    new_id = started.runs[0].id
    return notice(request, Done(f"Started {new_id}", f"{_PATH}/{new_id}"))


PAGES: Mapping[str, Handler] = {
    _PATH: handler("workflows.html", _list_context),
    f"{_PATH}/rows": _rows_fragment,
    f"{_PATH}/{{run_id}}": handler("workflow.html", _run_context),
    f"{_PATH}/{{run_id}}/details": handler("workflow_details.html", _run_context),
}
ACTIONS: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
    f"{_PATH}/{{run_id}}/{{action}}": _change_run,
    f"{_PATH}/failed/{{dlq_id}}/{{action}}": _change_failed,
}

"""Failed workflow runs. Source: Upstash docs, "DLQ" of Workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.option_headers import decode
from qstash_cli.protocol.workflow import is_workflow_header
from qstash_cli.server.http import pages
from qstash_cli.server.http.requests import account_of, bulk_parameters, headers, parameters
from qstash_cli.server.http.responses import encode, respond
from qstash_cli.server.http.views import workflows as views
from qstash_cli.server.parameters import trim_length
from qstash_cli.server.services.workflows import dlq


async def list_failed(request: Request) -> Response:
    """Responds with the failed runs in the DLQ."""
    given = parameters(request)
    trim = trim_length(given)
    page = await dlq.list_runs(account_of(request), given)
    encoded = await pages.encoded(page.runs, lambda one: views.failed_run(one, body_limit=trim))
    cursor = [("cursor", encode(page.cursor))] if page.cursor else []
    return pages.json_object([*cursor, ("messages", encoded)])


async def _get(request: Request) -> Response:
    failed = await dlq.get(account_of(request), request.path_params["dlq_id"])
    return respond(views.failed_run(failed))


async def _delete(request: Request) -> Response:
    await dlq.delete(account_of(request), request.path_params["dlq_id"])
    return Response(status_code=200)


async def _delete_matching(request: Request) -> Response:
    given = await bulk_parameters(request)
    deleted, cursor = await dlq.delete_matching(account_of(request), given)
    return respond({"deleted": deleted, **({"cursor": cursor} if cursor else {})})


async def _resume(request: Request) -> Response:
    account, ids = account_of(request), [request.path_params["dlq_id"]]
    started = await dlq.resume(account, {"dlqIds": ids}, _overrides(request))
    return respond(views.new_run(started.runs[0]))


async def _restart(request: Request) -> Response:
    account, ids = account_of(request), [request.path_params["dlq_id"]]
    started = await dlq.restart(account, {"dlqIds": ids}, _overrides(request))
    return respond(views.new_run(started.runs[0]))


async def _resume_matching(request: Request) -> Response:
    given = await bulk_parameters(request)
    started = await dlq.resume(account_of(request), given, _overrides(request))
    return _started(started.runs, started.cursor)


async def _restart_matching(request: Request) -> Response:
    given = await bulk_parameters(request)
    started = await dlq.restart(account_of(request), given, _overrides(request))
    return _started(started.runs, started.cursor)


async def _callback(request: Request) -> Response:
    account = account_of(request)
    run = await dlq.retry_failure_callback(account, request.path_params["dlq_id"])
    return respond(views.new_run(run))


def _started(runs: Sequence[Any], cursor: str) -> Response:
    found = {"workflowRuns": [views.new_run(one) for one in runs]}
    return respond({"cursor": cursor, **found})


def _overrides(request: Request) -> Headers:
    """Returns the option headers of a request. Raises `BadInput` if they are not valid."""
    given = headers(request)
    decode(given)
    return tuple(
        (n, v) for n, v in given if n.lower().startswith("upstash-") and not is_workflow_header(n)
    )


_PATH = "/v2/workflows/dlq"
ROUTES = [
    Route(_PATH, list_failed, methods=["GET"]),
    Route(_PATH, _delete_matching, methods=["DELETE"]),
    Route(f"{_PATH}/resume", _resume_matching, methods=["POST"]),
    Route(f"{_PATH}/restart", _restart_matching, methods=["POST"]),
    Route(f"{_PATH}/resume/{{dlq_id}}", _resume, methods=["POST"]),
    Route(f"{_PATH}/restart/{{dlq_id}}", _restart, methods=["POST"]),
    Route(f"{_PATH}/callback/{{dlq_id}}", _callback, methods=["POST"]),
    Route(f"{_PATH}/delete/{{dlq_id}}", _delete, methods=["DELETE"]),
    Route(f"{_PATH}/{{dlq_id}}", _get, methods=["GET"]),
    Route(f"{_PATH}/{{dlq_id}}", _delete, methods=["DELETE"]),
]

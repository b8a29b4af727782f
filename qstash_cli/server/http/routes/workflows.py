"""Workflow runs: triggers, steps, ends, cancels, events and webhooks.

Source: Upstash Workflow docs, "API Reference"; what they do not describe is read from the SDK.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol import workflow
from qstash_cli.protocol.workflow_steps import webhook_event
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http import pages
from qstash_cli.server.http.request_body import read_body
from qstash_cli.server.http.requests import (
    account_of,
    bulk_parameters,
    headers,
    parameters,
    parse_json,
    publish_request,
)
from qstash_cli.server.http.responses import encode, respond
from qstash_cli.server.http.routes.publish import parse_items
from qstash_cli.server.http.views import workflows as views
from qstash_cli.server.http.views.workflow_logs import run_log
from qstash_cli.server.parameters import trim_length
from qstash_cli.server.services.workflows import events, logs, runs, triggering
from qstash_cli.server.services.workflows.refusals import refused

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


async def _trigger(request: Request) -> Response:
    wanted = await publish_request(request, 2)
    return respond(await triggering.trigger(account_of(request), wanted), 201)


async def _trigger_batch(request: Request) -> Response:
    wanted = await parse_items(request)
    return respond(await triggering.trigger_batch(account_of(request), wanted))


async def _steps(request: Request) -> Response:
    found = await runs.list_steps(account_of(request), request.path_params["run_id"])
    encoded = await pages.encoded(found, views.raw_step)
    return Response(encoded, media_type="application/json")


async def _end(request: Request) -> Response:
    given = parameters(request)
    is_cancel = given.get("cancel", ["true"])[-1].lower() == "true"
    named = workflow.parse(headers(request)) or workflow.WorkflowHeaders()
    ending = runs.End(
        workflow.CANCELED if is_cancel else workflow.SUCCESS,
        b"" if is_cancel else await read_body(request),
        named.created_at,
    )
    await runs.end(account_of(request), request.path_params["run_id"], ending)
    return respond({"cancelled": 1}) if is_cancel else Response(status_code=200)


async def _cancel_many(request: Request) -> Response:
    account, given = account_of(request), await bulk_parameters(request)
    # Ids take precedence over filters.
    if "workflowRunIds" in given:
        ids = [one for text in given["workflowRunIds"] for one in text.split(",")]
        return respond({"cancelled": await runs.cancel_ids(account, ids)})
    return respond({"cancelled": await runs.cancel_matching(account, given)})


async def _logs(request: Request) -> Response:
    account, given = account_of(request), parameters(request)
    trim = trim_length(given)
    page = await logs.list_runs(account, given)
    now_ms = account.clock.now_ms()
    encoded = await pages.encoded(
        page.runs, lambda one: run_log(one, body_limit=trim, now_ms=now_ms)
    )
    cursor = [] if page.cursor is None else [("cursor", encode(page.cursor))]
    return pages.json_object([*cursor, ("runs", encoded)])


async def _wait(request: Request) -> Response:
    account, event_id = account_of(request), request.path_params["event_id"]
    received = await publish_request(request, 3)
    wanted = events.parse_wait(event_id, parse_json(received.body))
    received = received._replace(destination=wanted.url)
    message_id = await events.wait(account, received, wanted)
    return respond({"messageId": message_id})


async def _notify(request: Request) -> Response:
    account, data = account_of(request), await read_body(request)
    run_id, event_id = _event_of_path(request.path_params["event"])
    if run_id is None:
        notified = await events.notify(account, event_id, data)
    else:
        notified = await events.notify_run(account, run_id, event_id, data)
    return respond([views.notified(one) for one in notified])


def _event_of_path(parts: str) -> tuple[str | None, str]:
    """Returns the run id, if there is one, and the event id of a path. Raises `ApiError`."""
    run_id, slash, event_id = parts.partition("/")
    if not slash:
        run_id, event_id = "", run_id
    if not event_id or (slash and not run_id):
        raise ApiError(400, "the event id is empty")
    return run_id or None, event_id


async def _waiters(request: Request) -> Response:
    found = await events.list_waiters(account_of(request), request.path_params["event_id"])
    return respond(found)


async def _webhook(request: Request) -> Response:
    params = request.path_params
    target = request.scope["raw_path"].decode("ascii", errors="replace")
    if request.scope["query_string"]:
        target += f"?{request.scope['query_string'].decode('ascii', errors='replace')}"
    event = webhook_event(
        request.method,
        request.headers.get("host", ""),
        target,
        headers(request),
        await read_body(request),
        request.url.scheme,
    )
    await events.notify_run(account_of(request), params["run_id"], params["event_id"], event)
    return respond({"ok": True})


async def _unsupported(request: Request) -> Response:
    # The rest of the path is untrusted text of any length.
    resource = "/".join(request.url.path.split("/")[:4])[:100]
    raise refused(501, f"not supported: {request.method} {resource!r}")


ROUTES: list[Any] = [
    Route("/v2/trigger/{destination:path}", _trigger, methods=["POST"]),
    Route("/v2/batch/trigger", _trigger_batch, methods=["POST"]),
    Route("/v2/workflows/runs", _cancel_many, methods=["DELETE"]),
    Route("/v2/workflows/runs/{run_id}", _steps, methods=["GET"]),
    Route("/v2/workflows/runs/{run_id}", _end, methods=["DELETE"]),
    Route("/v2/workflows/hooks/{user}/{run_id}/{event_id}", _webhook, methods=_METHODS),
    Route("/v2/workflows/events", _logs, methods=["GET"]),
    Route("/v2/workflows/logs", _logs, methods=["GET"]),
    Route("/v2/wait/{event_id:path}", _wait, methods=["POST"]),
    Route("/v2/notify/{event:path}", _notify, methods=["POST"]),
    Route("/v2/waiters/{event_id:path}", _waiters, methods=["GET"]),
    Route("/v2/workflows/{rest:path}", _unsupported, methods=_METHODS),
]

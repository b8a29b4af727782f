"""The dead letter queue. Source: QStash docs, "Dead letter queue"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.option_headers import decode
from qstash_cli.server.http import pages
from qstash_cli.server.http.requests import account_of, bulk_parameters, headers, parameters
from qstash_cli.server.http.responses import encode, respond
from qstash_cli.server.http.routes import workflow_dlq
from qstash_cli.server.http.views import messages as views
from qstash_cli.server.parameters import trim_length
from qstash_cli.server.services import dlq


async def _list(request: Request) -> Response:
    given = parameters(request)
    if "workflow" in given.get("source", ()):
        return await workflow_dlq.list_failed(request)
    trim = trim_length(given)
    page = await dlq.list_entries(account_of(request), given)
    entries = await pages.encoded(
        page.entries, lambda entry: views.dlq_entry(entry, body_limit=trim)
    )
    fields = [("cursor", encode(page.cursor))] if page.cursor else []
    return pages.json_object([*fields, ("messages", entries)])


async def _get(request: Request) -> Response:
    dlq_id = request.path_params["dlq_id"]
    return respond(views.dlq_entry(await dlq.get(account_of(request), dlq_id)))


async def _delete(request: Request) -> Response:
    await dlq.delete(account_of(request), request.path_params["dlq_id"])
    return Response(status_code=200)


async def _delete_matching(request: Request) -> Response:
    given = await bulk_parameters(request)
    deleted, cursor = await dlq.delete_matching(account_of(request), given)
    return respond({"deleted": deleted, **({"cursor": cursor} if cursor else {})})


async def _retry(request: Request) -> Response:
    dlq_id = request.path_params["dlq_id"]
    message = await dlq.retry(account_of(request), dlq_id, _overrides(request))
    return respond({"messageId": message.id}, 201)


async def _retry_matching(request: Request) -> Response:
    given = await bulk_parameters(request)
    messages, cursor = await dlq.retry_matching(account_of(request), given, _overrides(request))
    responses = [{"messageId": message.id} for message in messages]
    return respond({"cursor": cursor, "responses": responses}, 201)


def _overrides(request: Request) -> Headers:
    """Returns the option headers of a request. Raises `BadInput` if they are not valid."""
    given = headers(request)
    decode(given)
    return tuple((n, v) for n, v in given if n.lower().startswith("upstash-"))


ROUTES = [
    Route("/v2/dlq", _list, methods=["GET"]),
    Route("/v2/dlq", _delete_matching, methods=["DELETE"]),
    Route("/v2/dlq/retry", _retry_matching, methods=["POST"]),
    Route("/v2/dlq/retry/{dlq_id}", _retry, methods=["POST"]),
    Route("/v2/dlq/{dlq_id}", _get, methods=["GET"]),
    Route("/v2/dlq/{dlq_id}", _delete, methods=["DELETE"]),
]
